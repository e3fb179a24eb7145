select profiles.person_id
from {{ ref('profiles') }} as profiles
left join {{ ref('qualified_leads') }} as qualified
    on profiles.person_id = qualified.person_id
where profiles.lifecycle_stage = 'prospect' and qualified.person_id is null

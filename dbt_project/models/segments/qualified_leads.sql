select profiles.person_id
from {{ ref('profiles') }} as profiles
inner join {{ ref('activity') }} as activity
    on profiles.person_id = activity.person_id
where
    profiles.lifecycle_stage = 'prospect'
    and activity.activity in ('demo_request', 'demo_requested')
group by profiles.person_id

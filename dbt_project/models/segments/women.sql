select person_id
from {{ ref('profiles') }}
where lower(gender) in ('{{ var("women_genders") | join("', '") }}')

select person_id
from {{ ref('profiles') }}
where engagement_level = 'dormant'

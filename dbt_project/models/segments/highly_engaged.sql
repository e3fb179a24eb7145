select person_id
from {{ ref('profiles') }}
where engagement_level = 'highly_engaged'

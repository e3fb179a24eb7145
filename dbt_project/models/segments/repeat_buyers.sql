select person_id
from {{ ref('profiles') }}
where lifecycle_stage = 'repeat_buyer'

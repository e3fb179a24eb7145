select person_id
from {{ ref('profiles') }}
where lifecycle_stage = 'new_customer'

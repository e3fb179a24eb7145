select person_id
from {{ ref('profiles') }}
where lifecycle_stage = 'lapsed' and total_spent_amount >= {{ var('high_lapsed_spent_amount') }}

select person_id
from {{ ref('profiles') }}
where total_spent_amount >= {{ var('high_lifetime_value_amount') }}

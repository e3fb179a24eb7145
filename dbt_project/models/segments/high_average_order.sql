select person_id
from {{ ref('profiles') }}
where average_order_amount > {{ var('high_average_order_amount') }}

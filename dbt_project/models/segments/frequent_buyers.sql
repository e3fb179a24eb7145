select person_id
from {{ ref('orders') }}
where is_purchase and ordered_at > {{ ago(var('frequent_buyer_days')) }}
group by person_id
having count(*) >= {{ var('frequent_buyer_orders') }}

select person_id
from {{ ref('activity') }}
where
    activity = 'product_viewed'
    and product_id = '{{ var("watched_product_id") }}'
    and occurred_at > {{ ago(var('recent_view_hours'), 'hour') }}
group by person_id

select person_id
from {{ ref('activity') }}
where
    activity in ('product_added', 'cart_viewed', 'checkout_started', 'order_placed')
    and occurred_at > {{ ago(var('cart_abandoned_until_hours'), 'hour') }}
group by person_id
having
    max(occurred_at) filter (where activity <> 'order_placed') <= {{ ago(var('cart_abandoned_after_hours'), 'hour') }}
    and coalesce(
        max(occurred_at) filter (where activity = 'order_placed')
        < max(occurred_at) filter (where activity <> 'order_placed'),
        true
    )

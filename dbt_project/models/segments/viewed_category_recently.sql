with activity as (

    select * from {{ ref('activity') }}

),

products as (

    select * from {{ ref('products') }}

)

select activity.person_id
from activity
inner join products
    on activity.product_id = products.product_id
where
    activity.activity = 'product_viewed'
    and products.category = '{{ var("watched_category") }}'
    and activity.occurred_at > {{ ago(var('recent_category_view_days')) }}
group by activity.person_id

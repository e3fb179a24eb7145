with activity as (

    select * from {{ ref('activity') }}

),

final as (

    select person_id, product_id, occurred_at as viewed_at
    from activity
    where activity = 'product_viewed' and product_id is not null

)

select * from final

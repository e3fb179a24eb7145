with order_lines as (

    select * from {{ ref('order_lines') }}

),

final as (

    select
        person_id,
        product_id,
        order_id,
        ordered_at as purchased_at,
        cast(quantity as double) as quantity
    from order_lines

)

select * from final

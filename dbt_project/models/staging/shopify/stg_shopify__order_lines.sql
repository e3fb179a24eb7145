{{ config(materialized='view') }}

with source as (

    select * from {{ ref('base_shopify__orders') }}

),

-- An order may lose a line: its lines are those of the export that had it last, repeats included.
latest as (

    select
        *,
        rank() over (partition by order_id order by _landed_at desc, _load_id desc, order_copy desc) as age
    from source
    where _refusal is null and ordered_at <= {{ as_of() }}

),

final as (

    select
        order_id,
        product_id,
        product_name,
        line_number,
        quantity,
        unit_price_amount,
        line_discount_amount as discount_amount,
        _load_id,
        _row,
        _landed_at,
        _refresh
    from latest
    where age = 1 and product_name is not null

)

select * from final

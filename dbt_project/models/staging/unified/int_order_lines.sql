{{ config(materialized='view') }}

with shop as (

    select * from {{ ref('stg_shop__order_lines') }}

),

shopify as (

    select * from {{ ref('stg_shopify__order_lines') }}

),

final as (

    select
        'shop' as source,
        order_id,
        product_id,
        line_number,
        quantity,
        unit_price_amount,
        discount_amount,
        _load_id,
        _row,
        _landed_at,
        _refresh
    from shop
    union all
    select
        'shopify', order_id, product_id, line_number, quantity, unit_price_amount, discount_amount, _load_id, _row,
        _landed_at,
        _refresh
    from shopify

)

select * from final

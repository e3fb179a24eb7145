{{ config(materialized='view') }}

with shop as (

    select * from {{ ref('stg_shop__orders') }}

),

shopify as (

    select * from {{ ref('stg_shopify__orders') }}

),

final as (

    select
        'shop' as source,
        order_id,
        customer_id,
        email,
        cast(null as varchar) as phone,
        currency,
        status,
        channel,
        discount_amount,
        shipping_amount,
        ordered_at,
        _load_id,
        _row,
        _landed_at,
        _refresh
    from shop
    union all
    select
        'shopify', order_id, null, email, phone, currency, status, channel, discount_amount, shipping_amount,
        ordered_at, _load_id, _row, _landed_at,
        _refresh
    from shopify

)

select * from final

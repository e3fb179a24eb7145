{{ config(materialized='incremental', incremental_strategy='refresh', unique_key=['_load_id', '_row']) }}

with source as (

    select * from {{ received_rows(source('raw', 'shop_order_lines'), revived='order_id refers to no order that landed') }}

),

-- A line whose order comes later leaves the quarantine with it.
orders as (

    select distinct order_id
    from {{ ref('base_shop__orders') }}
    where _refusal is null

),

renamed as (

    select
        trim(order_id) as order_id,
        trim(product_id) as product_id,
        try_cast(line_number as integer) as line_number,
        try_cast(quantity as decimal(18, 3)) as quantity,
        try_cast(unit_price_amount as decimal(18, 8)) as unit_price_amount,
        coalesce(try_cast(discount_amount as decimal(18, 2)), 0) as discount_amount,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(order_id), '') is null", "order_id is missing"),
            ("trim(order_id) not in (select order_id from orders)", "order_id refers to no order that landed"),
            ("try_cast(line_number as integer) is null", "line_number is no number"),
            ("nullif(trim(product_id), '') is null", "product_id is missing"),
            ("try_cast(quantity as decimal(18, 3)) is null", "quantity is no number"),
            ("try_cast(quantity as decimal(18, 3)) < 0", "quantity is negative"),
            ("try_cast(unit_price_amount as decimal(18, 8)) is null", "unit_price_amount is no amount"),
            ("try_cast(unit_price_amount as decimal(18, 8)) < 0", "unit_price_amount is negative"),
            (is_bad_number('discount_amount', 'decimal(18, 2)'), "discount_amount is no amount"),
            (is_negative('discount_amount', 'decimal(18, 2)'), "discount_amount is negative"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

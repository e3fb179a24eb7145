{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'shop_orders')) }}

),

renamed as (

    select
        trim(order_id) as order_id,
        nullif(trim(customer_id), '') as customer_id,
        {{ normalised_email('email') }} as email,
        coalesce(nullif(upper(trim(currency)), ''), 'USD') as currency,
        coalesce(nullif(lower(trim(status)), ''), 'placed') as status,
        coalesce(nullif(lower(trim(channel)), ''), 'web') as channel,
        _extra as attributes,
        coalesce(try_cast(discount_amount as decimal(18, 2)), 0) as discount_amount,
        coalesce(try_cast(shipping_amount as decimal(18, 2)), 0) as shipping_amount,
        {{ to_utc('ordered_at') }} as ordered_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(order_id), '') is null", "order_id is missing"),
            ("nullif(trim(customer_id), '') is null and nullif(trim(email), '') is null", "customer_id and email are missing"),
            (to_utc('ordered_at') ~ " is null", "ordered_at is no ISO 8601 time"),
            ("coalesce(nullif(lower(trim(status)), ''), 'placed') not in ('placed', 'cancelled', 'refunded')", "status is none of placed, cancelled, refunded"),
            (is_bad_number('discount_amount', 'decimal(18, 2)'), "discount_amount is no amount"),
            (is_negative('discount_amount', 'decimal(18, 2)'), "discount_amount is negative"),
            (is_bad_number('shipping_amount', 'decimal(18, 2)'), "shipping_amount is no amount"),
            (is_negative('shipping_amount', 'decimal(18, 2)'), "shipping_amount is negative"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

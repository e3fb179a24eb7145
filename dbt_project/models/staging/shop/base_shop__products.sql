{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'shop_products')) }}

),

renamed as (

    select
        trim(product_id) as product_id,
        name,
        nullif(trim(category), '') as category,
        nullif(trim(department), '') as department,
        nullif(trim(brand), '') as brand,
        upper(trim(currency)) as currency,
        image_url,
        product_url,
        try_cast(price_amount as decimal(18, 2)) as price_amount,
        coalesce(try_cast(trim(is_available) as boolean), true) as is_available,
        try_cast(trim(is_consumable) as boolean) as is_consumable,
        {{ to_utc('updated_at') }} as updated_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(product_id), '') is null", "product_id is missing"),
            ("nullif(trim(name), '') is null", "name is missing"),
            (is_bad_number('price_amount', 'decimal(18, 2)'), "price_amount is no amount"),
            ("try_cast(price_amount as decimal(18, 2)) < 0", "price_amount is negative"),
            (is_bad_boolean('is_available'), "is_available is neither true nor false"),
            (is_bad_boolean('is_consumable'), "is_consumable is neither true nor false"),
            (is_bad_time('updated_at'), "updated_at is no ISO 8601 time"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

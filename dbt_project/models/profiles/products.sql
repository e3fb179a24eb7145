with received as (

    select * from {{ ref('stg_shop__products') }}

),

latest as (

    select
        *,
        row_number() over (
            partition by product_id
            order by updated_at desc nulls last, _landed_at desc, _load_id desc, _row desc
        ) as version
    from received

),

final as (

    select
        product_id,
        name,
        category,
        department,
        brand,
        currency,
        image_url,
        product_url,
        price_amount,
        is_available,
        is_consumable,
        updated_at
    from latest
    where version = 1

)

select * from final

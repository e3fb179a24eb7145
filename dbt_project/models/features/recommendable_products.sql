with products as (

    select * from {{ ref('products') }}

),

product_exclusions as (

    select * from {{ ref('product_exclusions') }}

),

final as (

    select
        products.product_id,
        -- It may have been bought and so be a reason: then without its name.
        case when products.is_sensitive then 'something like it' else products.name end as name,
        products.category,
        coalesce(products.is_available, false)
        and not coalesce(products.is_sensitive, false)
        and not exists (
            select 1
            from product_exclusions
            where
                product_exclusions.product_id = products.product_id
                or upper(product_exclusions.category) = upper(products.category)
        ) as is_available,
        products.is_consumable
    from products

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    unique_key='product_id',
) }}

with received as (

    select * from {{ ref('stg_shop__products') }}

),

sensitive_categories as (

    select * from {{ ref('sensitive_categories') }}

),

latest as (

    select
        *,
        row_number() over (
            partition by product_id
            order by updated_at desc nulls last, _landed_at desc, _load_id desc, _row desc
        ) as version
    from received
    {%- if is_incremental() %}
    where product_id in (
        select news.product_id
        from received as news
        where {{ is_news('news', '_landed_at', 'updated_at') }}
    )
    {%- endif %}

),

final as (

    select
        latest.product_id,
        latest.name,
        latest.category,
        latest.department,
        latest.brand,
        latest.currency,
        latest.image_url,
        latest.product_url,
        latest.price_amount,
        latest.is_available,
        latest.is_consumable,
        sensitive_categories.category is not null as is_sensitive,
        latest.updated_at
    from latest
    left join sensitive_categories
        on upper(latest.category) = sensitive_categories.category
    where latest.version = 1

)

-- A catalogue that comes whole every day changes little.
select *, {{ refresh_number() }} as _refresh
from (
    select * from final
    {%- if is_incremental() %}
    except
    select * exclude (_refresh) from {{ this }}
    {%- endif %}
) as products

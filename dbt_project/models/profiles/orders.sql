{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_orders', 'matching': {'order_id': 'order_id'}}],
) }}

with received as {{ read_anew() }} (

    select * from {{ ref('int_orders') }}
    {% if is_incremental() %}
    where order_id in (select order_id from {{ ref('changed_orders') }})
    {% endif %}

),

lines as (

    select * from {{ ref('int_order_lines') }}
    {% if is_incremental() %}
    where order_id in (select order_id from {{ ref('changed_orders') }})
    {% endif %}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

latest as (

    select * from {{ numbered_copies('received', ['order_id'], '_landed_at desc, _load_id desc, _row desc') }}
    where copy_number = 1

),

latest_lines as (

    select * from {{ numbered_copies(
        'lines', ['order_id', 'line_number'], '_landed_at desc, _load_id desc, _row desc',
    ) }}
    where copy_number = 1

),

totals as (

    select
        order_id,
        count(*) as lines_count,
        sum(quantity) as quantity,
        sum(cast(quantity * unit_price_amount - discount_amount as decimal(18, 2))) as lines_amount
    from latest_lines
    where quantity > 0
    group by order_id

),

final as (

    select
        latest.order_id,
        identity_map.person_id,
        latest.ordered_at,
        latest.currency,
        latest.status,
        latest.channel,
        latest.status = 'placed' as is_purchase,
        coalesce(totals.lines_count, 0) as lines_count,
        cast(coalesce(totals.quantity, 0) as decimal(18, 3)) as quantity,
        cast(latest.discount_amount as decimal(18, 2)) as discount_amount,
        cast(latest.shipping_amount as decimal(18, 2)) as shipping_amount,
        cast(coalesce(totals.lines_amount, 0) - latest.discount_amount as decimal(18, 2)) as net_amount,
        {{ refresh_number() }} as _refresh
    from latest
    left join totals
        on latest.order_id = totals.order_id
    inner join identity_map
        on
            coalesce(latest.customer_id, latest.email, latest.phone) = identity_map.identifier
            and identity_map.identifier_type = case
                when latest.customer_id is not null then 'contact_id'
                when latest.email is not null then 'email'
                else 'phone'
            end

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_orders', 'matching': {'order_id': 'order_id'}}],
) }}

with received as {{ read_anew() }} (

    select * from {{ ref('int_order_lines') }}
    {% if is_incremental() %}
    where order_id in (select order_id from {{ ref('changed_orders') }})
    {% endif %}

),

orders as (

    select * from {{ ref('orders') }}
    {% if is_incremental() %}
    where _refresh = {{ refresh_number() }}
    {% endif %}

),

latest as (

    select * from {{ numbered_copies(
        'received', ['order_id', 'line_number'], '_landed_at desc, _load_id desc, _row desc',
    ) }}
    where copy_number = 1

),

final as (

    select
        latest.order_id,
        latest.line_number,
        orders.person_id,
        latest.product_id,
        orders.ordered_at,
        latest.quantity,
        latest.discount_amount,
        cast(latest.quantity * latest.unit_price_amount - latest.discount_amount as decimal(18, 2)) as net_amount
    from latest
    inner join orders
        on latest.order_id = orders.order_id
    where latest.quantity > 0 and orders.is_purchase

)

select * from final

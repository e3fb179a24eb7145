with orders as (

    select * from {{ ref('int_orders') }}

),

lines as (

    select * from {{ ref('int_order_lines') }}

),

final as (

    {% if is_refresh_incremental() %}
    select order_id
    from orders
    where {{ is_news('orders', 'ordered_at') }}
    union
    select order_id
    from lines
    where _refresh = {{ refresh_number() }}
    union
    select order_id
    from {{ before_refresh('orders') }}
    where person_id in (select person_id from {{ ref('moved_people') }})
    {% else %}
    select orders.order_id
    from orders
    inner join lines
        on orders.order_id = lines.order_id
    where false
    {% endif %}

)

select * from final

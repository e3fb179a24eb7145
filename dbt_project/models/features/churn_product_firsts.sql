-- How many products a person tried on a day: of lines as they came, whatever became of their order later.
with lines as (

    select order_id, product_id
    from {{ ref('int_order_lines') }}
    where quantity > 0

),

orders as (

    select order_id, person_id, ordered_at
    from {{ ref('orders') }}
    where ordered_at < {{ as_of() }}

),

firsts as (

    select orders.person_id, lines.product_id, min(orders.ordered_at) as first_ordered_at
    from lines
    inner join orders
        on lines.order_id = orders.order_id
    group by orders.person_id, lines.product_id

),

final as (

    select person_id, first_ordered_at, count(*) as products_count
    from firsts
    group by person_id, first_ordered_at

)

select * from final

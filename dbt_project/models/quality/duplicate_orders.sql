with received_orders as (

    select * from {{ ref('int_orders') }}
    qualify row_number() over (partition by order_id order by _landed_at desc, _load_id desc, _row desc) = 1

),

orders as (

    select * from {{ ref('orders') }}

),

order_lines as (

    select * from {{ ref('order_lines') }}

),

-- A cancelled order that was placed anew is no duplicate: only purchases are compared.
order_candidates as (

    select *
    from orders
    where is_purchase and lines_count > 0
    qualify count(*) over (partition by person_id, currency, net_amount, lines_count, quantity) > 1

),

order_contents as (

    select
        candidates.order_id,
        md5(string_agg(
            lines.product_id || ' ' || cast(lines.quantity as varchar) || ' ' || cast(lines.net_amount as varchar),
            ',' order by lines.product_id, lines.quantity, lines.net_amount
        )) as content
    from order_candidates as candidates
    inner join order_lines as lines
        on candidates.order_id = lines.order_id
    group by candidates.order_id

),

order_neighbours as (

    select
        candidates.*,
        lag(candidates.order_id) over same_content as first_key,
        lag(candidates.ordered_at) over same_content as first_ordered_at
    from order_candidates as candidates
    inner join order_contents as contents
        on candidates.order_id = contents.order_id
    window same_content as (
        partition by candidates.person_id, candidates.currency, candidates.net_amount, contents.content
        order by candidates.ordered_at, candidates.order_id
    )

),

-- Within a minute anything counts; within a day a single line does not: people buy a coffee twice.
repeated_orders as (

    select
        neighbours.first_key,
        neighbours.order_id as later_key,
        'the same person, lines and total, '
        || case
            when neighbours.ordered_at < {{ plus_interval('neighbours.first_ordered_at', 1, 'minute') }} then 'within a minute'
            else 'on the same day'
        end as evidence,
        received.source,
        received._load_id,
        received._landed_at
    from order_neighbours as neighbours
    inner join received_orders as received
        on neighbours.order_id = received.order_id
    where
        neighbours.ordered_at < {{ plus_interval('neighbours.first_ordered_at', 1, 'minute') }}
        or (
            cast(neighbours.ordered_at as date) = cast(neighbours.first_ordered_at as date)
            and neighbours.lines_count > 1
        )

),

final as (

    select
        'same_order_twice' as kind,
        source || '_orders' as entity,
        'suspected' as certainty,
        first_key,
        later_key,
        evidence,
        _load_id as load_id,
        _landed_at as landed_at
    from repeated_orders

)

select * from final

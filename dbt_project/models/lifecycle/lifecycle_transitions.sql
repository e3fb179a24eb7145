with people as (

    select * from {{ ref('people') }}

),

activity as (

    select * from {{ ref('activity') }}

),

orders as (

    select * from {{ ref('orders') }}

),

purchases as (

    select
        person_id,
        ordered_at,
        min(ordered_at) over (partition by person_id) as first_ordered_at
    from orders
    where is_purchase

),

acts as (

    select person_id, occurred_at
    from activity
    where is_active_act
    union all
    select person_id, arrived_at
    from people

),

-- A stage can change only where a window gains or loses something: when it happens, and a window later.
moments as (

    select person_id, occurred_at as changed_at, 0 as orders_gained, 0 as orders_lost, occurred_at as acted_at
    from acts
    union all
    select person_id, {{ plus_interval('occurred_at', var('lapsed_days')) }}, 0, 0, null
    from acts
    union all
    select person_id, ordered_at, 1, 0, null
    from purchases
    union all
    select person_id, {{ plus_interval('ordered_at', var('repeat_buyer_days')) }}, 0, 1, null
    from purchases
    union all
    select person_id, {{ plus_interval('first_ordered_at', var('new_customer_days')) }}, 0, 0, null
    from purchases
    where ordered_at = first_ordered_at

),

distinct_moments as (

    select
        moments.person_id,
        moments.changed_at,
        sum(moments.orders_gained) as orders_gained,
        sum(moments.orders_lost) as orders_lost,
        max(moments.acted_at) as acted_at
    from moments
    inner join people
        on moments.person_id = people.person_id
    where moments.changed_at <= {{ as_of() }}
    group by moments.person_id, moments.changed_at

),

standings as (

    select
        person_id,
        changed_at,
        sum(orders_gained) over past as orders_count,
        sum(orders_gained - orders_lost) over past as recent_orders_count,
        max(acted_at) over past as last_acted_at,
        min(case when orders_gained > 0 then changed_at end) over past as first_ordered_at
    from distinct_moments
    window past as (
        partition by person_id
        order by changed_at
        rows between unbounded preceding and current row
    )

),

stages as (

    select
        person_id,
        changed_at,
        case
            when changed_at >= {{ plus_interval('last_acted_at', var('lapsed_days')) }} then 'lapsed'
            when recent_orders_count >= {{ var('repeat_buyer_orders') }} then 'repeat_buyer'
            when
                orders_count > 0
                and changed_at < {{ plus_interval('first_ordered_at', var('new_customer_days')) }}
                then 'new_customer'
            when orders_count > 0 then 'active_customer'
            else 'prospect'
        end as stage
    from standings

),

compared as (

    select
        person_id,
        lag(stage) over (partition by person_id order by changed_at) as from_stage,
        stage as to_stage,
        changed_at
    from stages

),

final as (

    select person_id, from_stage, to_stage, changed_at
    from compared
    where from_stage is distinct from to_stage

)

select * from final

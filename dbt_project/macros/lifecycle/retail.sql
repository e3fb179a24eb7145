{#- A shop. Precedence: lapsed, repeat buyer, new, active, prospect. -#}
{% macro lifecycle_retail_stages() -%}
    {{ return(['prospect', 'new_customer', 'repeat_buyer', 'active_customer', 'lapsed']) }}
{%- endmacro %}

{% macro lifecycle_retail() %}
    with purchases as (

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

    -- A stretch of activity lasts until nothing has happened for `lapsed_days`: so none begins or ends between two acts
    -- of so many days, and what is put in order are not the acts, but these days of each person.
    spells as (

        select person_id, min(occurred_at) as first_at, max(occurred_at) as last_at
        from acts
        group by person_id, time_bucket(to_days({{ var('lapsed_days') }}), occurred_at)

    ),

    neighbours as (

        select
            person_id,
            first_at,
            last_at,
            lag(last_at) over spells_of_person as previous_at,
            lead(first_at) over spells_of_person as next_at
        from spells
        window spells_of_person as (partition by person_id order by first_at)

    ),

    -- A stage can change only where a stretch begins or ends, and where a window gains or loses an order.
    moments as (

        select person_id, first_at as changed_at, 0 as orders_gained, 0 as orders_lost, 1 as begun, 0 as ended
        from neighbours
        where coalesce(previous_at < {{ minus_interval('first_at', var('lapsed_days')) }}, true)
        union all
        select person_id, {{ plus_interval('last_at', var('lapsed_days')) }}, 0, 0, 0, 1
        from neighbours
        where coalesce(next_at > {{ plus_interval('last_at', var('lapsed_days')) }}, true)
        union all
        select person_id, ordered_at, 1, 0, 0, 0
        from purchases
        union all
        select person_id, {{ plus_interval('ordered_at', var('repeat_buyer_days')) }}, 0, 1, 0, 0
        from purchases
        union all
        select person_id, {{ plus_interval('first_ordered_at', var('new_customer_days')) }}, 0, 0, 0, 0
        from purchases
        where ordered_at = first_ordered_at

    ),

    distinct_moments as (

        select
            person_id,
            changed_at,
            sum(orders_gained) as orders_gained,
            sum(orders_lost) as orders_lost,
            sum(begun) as begun,
            sum(ended) as ended
        from moments
        group by person_id, changed_at

    ),

    standings as (

        select
            person_id,
            changed_at,
            sum(orders_gained) over past as orders_count,
            sum(orders_gained - orders_lost) over past as recent_orders_count,
            sum(begun) over past as stretches_begun,
            sum(ended) over past as stretches_ended,
            min(case when orders_gained > 0 then changed_at end) over past as first_ordered_at
        from distinct_moments
        window past as (
            partition by person_id
            order by changed_at
            rows between unbounded preceding and current row
        )

    )

    select
        person_id,
        changed_at,
        case
            when stretches_begun = stretches_ended and stretches_begun > 0 then 'lapsed'
            when recent_orders_count >= {{ var('repeat_buyer_orders') }} then 'repeat_buyer'
            when
                orders_count > 0
                and changed_at < {{ plus_interval('first_ordered_at', var('new_customer_days')) }}
                then 'new_customer'
            when orders_count > 0 then 'active_customer'
            else 'prospect'
        end as stage
    from standings
{% endmacro %}

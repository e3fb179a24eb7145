-- An order counts from the instant at which it was placed, whatever became of it later: at a past cutoff nobody knew.
with orders as (

    select * from {{ ref('orders') }}

),

activity as (

    select * from {{ ref('activity') }}

),

acts as (

    {% if churn_definition() == 'purchase' %}
    select person_id, order_id as act_id, ordered_at as acted_at
    from orders
    where ordered_at < {{ as_of() }}
    {% else %}
    -- A day with acts counts once, from the first of them on.
    select person_id, cast(cast(occurred_at as date) as varchar) as act_id, min(occurred_at) as acted_at
    from activity
    where is_engagement and occurred_at < {{ as_of() }}
    group by person_id, cast(occurred_at as date)
    {% endif %}

),

final as (

    select
        person_id,
        act_id,
        acted_at,
        {{ days_between('lag(acted_at) over (partition by person_id order by acted_at, act_id)', 'acted_at') }} as gap_days
    from acts

)

select * from final

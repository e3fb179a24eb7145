with features as (

    select * from {{ ref('churn_features') }}

),

cutoffs as (

    select * from {{ ref('churn_cutoffs') }}

),

orders as (

    select * from {{ ref('orders') }}

),

activity as (

    select * from {{ ref('activity') }}

),

acts as (

    {% if churn_definition() == 'purchase' %}
    select person_id, ordered_at as acted_at
    from orders
    where is_purchase
    {% else %}
    select person_id, occurred_at as acted_at
    from activity
    where is_engagement
    {% endif %}

),

acted_after as (

    select cutoffs.cutoff, acts.person_id
    from cutoffs
    inner join acts
        on
            acts.acted_at >= cutoffs.cutoff
            and acts.acted_at < {{ plus_interval('cutoffs.cutoff', var('churn_horizon_days')) }}
    where cutoffs.split <> 'score'
    group by cutoffs.cutoff, acts.person_id

),

final as (

    select
        features.*,
        case when features.split <> 'score' then acted_after.person_id is null end as is_churned,
        features.recency_days < {{ var('churn_population_days') }} as is_in_population
    from features
    left join acted_after
        on features.cutoff = acted_after.cutoff and features.person_id = acted_after.person_id

)

select * from final

with features as (

    select * from {{ ref('churn_features') }}

),

cutoffs as (

    select * from {{ ref('churn_cutoffs') }}

),

orders as (

    select * from {{ ref('orders') }}

),

bought_after as (

    select cutoffs.cutoff, orders.person_id
    from cutoffs
    inner join orders
        on
            orders.ordered_at >= cutoffs.cutoff
            and orders.ordered_at < {{ plus_interval('cutoffs.cutoff', var('churn_horizon_days')) }}
    where orders.is_purchase and cutoffs.split <> 'score'
    group by cutoffs.cutoff, orders.person_id

),

final as (

    select
        features.*,
        cutoffs.split,
        case when cutoffs.split <> 'score' then bought_after.person_id is null end as is_churned,
        features.recency_days < {{ var('churn_population_days') }} as is_in_population
    from features
    inner join cutoffs
        on features.cutoff = cutoffs.cutoff
    left join bought_after
        on features.cutoff = bought_after.cutoff and features.person_id = bought_after.person_id

)

select * from final

with features as (

    select * from {{ ref('churn_features') }}

),

cutoffs as (

    select * from {{ ref('churn_cutoffs') }}

),

acts as (

    select * from {{ ref('churn_acts') }}
    where stands

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

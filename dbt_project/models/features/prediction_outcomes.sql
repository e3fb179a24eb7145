-- By the same definition as the examples: who had acted within the population's days, and acted again or did not.
with history as (

    select * from {{ ref('churn_prediction_history') }}

),

acts as (

    select * from {{ ref('churn_acts') }}

),

finished as (

    select * from history
    where {{ plus_interval('scored_at', var('churn_horizon_days')) }} <= {{ as_of() }}

),

looked_at as (

    select
        finished.person_id,
        finished.model_version,
        finished.scored_at,
        finished.churn_probability,
        count(case when acts.acted_at < finished.scored_at then 1 end) as acts_before_count,
        count(case when acts.stands and acts.acted_at >= finished.scored_at then 1 end) as acts_after_count
    from finished
    inner join acts
        on
            finished.person_id = acts.person_id
            and acts.acted_at > {{ minus_interval('finished.scored_at', var('churn_population_days')) }}
            and acts.acted_at < {{ plus_interval('finished.scored_at', var('churn_horizon_days')) }}
    group by finished.person_id, finished.model_version, finished.scored_at, finished.churn_probability

),

final as (

    select person_id, model_version, scored_at, churn_probability, acts_after_count = 0 as is_churned
    from looked_at
    where acts_before_count > 0

)

select * from final

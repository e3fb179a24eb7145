{#- Sums of floats are rounded: their last digits depend on the order in which rows are added. -#}
with outcomes as (

    select * from {{ ref('prediction_outcomes') }}

),

figures as (

    select version, value
    from {{ source('ml', 'model_figures') }}
    where model = 'churn' and part = 'churn' and metric = 'roc_auc'

),

-- Equal probabilities share the middle of their ranks.
ranked as (

    select
        model_version,
        scored_at,
        churn_probability,
        case when is_churned then 1 else 0 end as churned,
        rank() over (partition by model_version, scored_at order by churn_probability)
        + (count(*) over (partition by model_version, scored_at, churn_probability) - 1) / 2.0 as middle_rank,
        ntile(10) over (partition by model_version, scored_at order by churn_probability, person_id) as tenth
    from outcomes

),

tenths as (

    select model_version, scored_at, tenth, abs(round(sum(churn_probability - churned), 6)) as distance
    from ranked
    group by model_version, scored_at, tenth

),

distances as (

    select model_version, scored_at, sum(distance) as distance
    from tenths
    group by model_version, scored_at

),

summed as (

    select
        model_version,
        scored_at,
        count(*) as people_count,
        sum(churned) as churned_count,
        count(*) - sum(churned) as stayed_count,
        sum(case when churned = 1 then middle_rank else 0 end) as churned_ranks,
        round(avg(power(churn_probability - churned, 2)), 6) as brier
    from ranked
    group by model_version, scored_at

),

-- The area under the ROC curve is the share of pairs that are in the right order (Mann and Whitney, 1947).
measured as (

    select
        summed.*,
        round(distances.distance / summed.people_count, 6) as expected_calibration_error,
        round(
            (summed.churned_ranks - summed.churned_count * (summed.churned_count + 1) / 2.0)
            / nullif(summed.churned_count * summed.stayed_count, 0),
            6
        ) as roc_auc
    from summed
    inner join distances
        on summed.model_version = distances.model_version and summed.scored_at = distances.scored_at

),

-- Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology, 1982.
with_errors as (

    select
        measured.*,
        figures.value as trained_roc_auc,
        sqrt(
            greatest(
                roc_auc * (1 - roc_auc)
                + (churned_count - 1) * (roc_auc / (2 - roc_auc) - roc_auc * roc_auc)
                + (stayed_count - 1) * (2 * roc_auc * roc_auc / (1 + roc_auc) - roc_auc * roc_auc),
                0
            ) / nullif(churned_count * stayed_count, 0)
        ) as standard_error,
        least(churned_count, stayed_count) >= {{ var('decay_min_outcomes') }} as is_measurable
    from measured
    left join figures
        on measured.model_version = figures.version

),

judged as (

    select
        *,
        coalesce(
            is_measurable
            and trained_roc_auc - roc_auc > {{ var('decay_roc_auc_drop') }}
            and trained_roc_auc - roc_auc > 2 * standard_error,
            false
        ) as ranks_worse,
        coalesce(
            is_measurable and expected_calibration_error > {{ var('decay_calibration_error') }}, false
        ) as is_off
    from with_errors

),

final as (

    select
        'churn' as model,
        model_version as version,
        scored_at,
        people_count,
        churned_count,
        roc_auc,
        trained_roc_auc,
        brier,
        expected_calibration_error,
        ranks_worse or is_off as is_decayed,
        case
            when ranks_worse
                then
                    'its scores of ' || cast(cast(scored_at as date) as varchar) || ' ranked people with a ROC AUC of '
                    || cast(round(roc_auc, 3) as varchar) || ', against ' || cast(round(trained_roc_auc, 3) as varchar)
                    || ' when it was trained'
            when is_off
                then
                    'its scores of ' || cast(cast(scored_at as date) as varchar) || ' and what then happened are '
                    || cast(round(expected_calibration_error, 3) as varchar) || ' apart'
        end as words
    from judged

)

select * from final

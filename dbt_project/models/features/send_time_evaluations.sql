with acts as (

    select * from {{ ref('send_time_acts') }}
    where occurred_at > {{ ago(var('send_time_holdout_days')) }}

),

counts as (

    select * from {{ ref('send_time_counts') }}
    where split = 'test'

),

shares as (

    select * from {{ ref('send_time_shares') }}
    where split = 'test'

),

best_hours as (

    select * from {{ ref('send_time_best_hours') }}
    where split = 'test'

),

later as (

    select person_id, group_name, hour, count(*) as acts_count
    from acts
    group by person_id, group_name, hour

),

-- Decimals, so that sums hang on no order.
judged as (

    select
        later.person_id,
        later.acts_count,
        cast(ln(
            (
                coalesce({{ at_hour('later.hour', 'counts.weight_') }}, 0)
                + {{ var('send_time_person_pseudo_acts') }} * shares.group_share
            ) / (coalesce(counts.weight, 0) + {{ var('send_time_person_pseudo_acts') }})
        ) as decimal(18, 9)) as log_likelihood,
        cast(ln(shares.everyone_share) as decimal(18, 9)) as everyone_log_likelihood,
        (later.hour - best_hours.best_hour + 25) % 24 <= 2 as is_near,
        (later.hour - best_hours.everyone_best_hour + 25) % 24 <= 2 as is_near_everyones
    from later
    inner join shares
        on later.group_name = shares.group_name and later.hour = shares.hour
    inner join best_hours
        on later.person_id = best_hours.person_id
    left join counts
        on later.person_id = counts.person_id

),

summed_up as (

    select
        coalesce(sum(acts_count), 0) as acts_count,
        count(distinct person_id) as people_count,
        cast(sum(acts_count * log_likelihood) as double) / sum(acts_count) as log_likelihood,
        cast(sum(acts_count * everyone_log_likelihood) as double) / sum(acts_count) as everyone_log_likelihood,
        cast(sum(case when is_near then acts_count end) as double) / sum(acts_count) as near_share,
        cast(sum(case when is_near_everyones then acts_count end) as double) / sum(acts_count) as everyones_near_share
    from judged

),

fitted as (

    select coalesce(sum(acts_count), 0) as acts_count
    from counts

),

figures as (

    select
        summed_up.*,
        fitted.acts_count as fitted_acts_count,
        fitted.acts_count >= {{ var('send_time_min_fitted_acts') }}
        and summed_up.acts_count >= {{ var('send_time_min_test_acts') }}
        and summed_up.people_count >= {{ var('send_time_min_test_people') }} as is_measurable
    from summed_up
    cross join fitted

),

metrics as (

    select *, 'log_likelihood' as metric, log_likelihood as figure, everyone_log_likelihood as baseline_figure
    from figures
    union all
    select *, 'log_likelihood_above_uniform', log_likelihood + ln(24), everyone_log_likelihood + ln(24)
    from figures
    union all
    select *, 'within_one_hour', coalesce(near_share, 0), coalesce(everyones_near_share, 0)
    from figures

),

final as (

    select
        'send_time' as model,
        'counted' as version,
        metric,
        'test' as split,
        case when is_measurable then round(figure, 6) end as value,
        case when is_measurable then round(baseline_figure, 6) end as baseline_value,
        cast(null as double) as value_low,
        cast(null as double) as value_high,
        case
            when is_measurable
                then 'Measured on ' || acts_count || ' opens and clicks of ' || people_count || ' people.'
            else
                'Not measured: ' || fitted_acts_count || ' opens and clicks before the held-out days, '
                || acts_count || ' of ' || people_count || ' people in them; at least '
                || {{ var('send_time_min_fitted_acts') }} || ', ' || {{ var('send_time_min_test_acts') }} || ' and '
                || {{ var('send_time_min_test_people') }} || ' are needed.'
        end as note
    from metrics

)

select * from final

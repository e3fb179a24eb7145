-- The means of Dirichlet-multinomial posteriors: a group is presumed to be like everyone, everyone like the default.
with acts as (

    select * from {{ ref('send_time_acts') }}

),

people as (

    select * from {{ ref('send_time_people') }}

),

hours as (

    {{ hours_of_a_day() }}

),

splits as (

    select 'score' as split
    union all
    select 'test' as split

),

acts_by_hour as (

    select
        group_name,
        hour,
        occurred_at <= {{ ago(var('send_time_holdout_days')) }} as is_fitted_for_test,
        count(*) as acts_count,
        sum(weight) as weight
    from acts
    group by all

),

-- An act counts in its own hour, and speaks of those beside it as well.
steps as (

    select -1 as step, cast({{ var('send_time_neighbour_part') }} as decimal(6, 4)) as part, 0 as acts_part
    union all
    select 0, cast(1 - 2 * {{ var('send_time_neighbour_part') }} as decimal(6, 4)), 1
    union all
    select 1, cast({{ var('send_time_neighbour_part') }} as decimal(6, 4)), 0

),

group_counts as (

    select
        splits.split,
        acts_by_hour.group_name,
        cast((acts_by_hour.hour + steps.step + 24) % 24 as int) as hour,
        sum(acts_by_hour.acts_count * steps.acts_part) as acts_count,
        sum(acts_by_hour.weight * steps.part) as weight
    from splits
    inner join acts_by_hour
        on splits.split = 'score' or acts_by_hour.is_fitted_for_test
    cross join steps
    group by all

),

everyone_counts as (

    select split, hour, sum(acts_count) as acts_count, sum(weight) as weight
    from group_counts
    group by split, hour

),

everyone_totals as (

    select split, sum(acts_count) as acts_count, sum(weight) as weight
    from everyone_counts
    group by split

),

group_totals as (

    select split, group_name, sum(acts_count) as acts_count, sum(weight) as weight
    from group_counts
    group by split, group_name

),

group_names as (

    select group_name
    from people
    group by group_name

),

-- Presumed of everyone: each hour alike, the default hour twice as much.
everyone as (

    select
        splits.split,
        hours.hour,
        coalesce(everyone_totals.acts_count, 0) as acts_count,
        (
            cast(coalesce(everyone_counts.weight, 0) as double)
            + {{ var('send_time_everyone_pseudo_acts') }}
            * (case when hours.hour = {{ var('send_time_default_hour') }} then 2 else 1 end / 25.0)
        ) / (cast(coalesce(everyone_totals.weight, 0) as double) + {{ var('send_time_everyone_pseudo_acts') }}) as share
    from splits
    cross join hours
    left join everyone_counts
        on splits.split = everyone_counts.split and hours.hour = everyone_counts.hour
    left join everyone_totals
        on splits.split = everyone_totals.split

),

final as (

    select
        everyone.split,
        group_names.group_name,
        everyone.hour,
        cast(coalesce(group_totals.acts_count, 0) as bigint) as group_acts_count,
        cast(everyone.acts_count as bigint) as everyone_acts_count,
        round(
            (
                cast(coalesce(group_counts.weight, 0) as double)
                + {{ var('send_time_group_pseudo_acts') }} * everyone.share
            ) / (cast(coalesce(group_totals.weight, 0) as double) + {{ var('send_time_group_pseudo_acts') }}),
            12
        ) as group_share,
        round(everyone.share, 12) as everyone_share
    from everyone
    cross join group_names
    left join group_counts
        on
            everyone.split = group_counts.split
            and group_names.group_name = group_counts.group_name
            and everyone.hour = group_counts.hour
    left join group_totals
        on everyone.split = group_totals.split and group_names.group_name = group_totals.group_name

)

select * from final

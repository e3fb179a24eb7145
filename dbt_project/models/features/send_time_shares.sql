-- The means of Dirichlet-multinomial posteriors: a group is presumed to be like everyone, everyone like the default.
with counts as (

    select * from {{ ref('send_time_counts') }}

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

group_totals as (

    select
        counts.split,
        people.group_name,
        sum(counts.acts_count) as acts_count,
        sum(counts.weight) as weight
        {%- for hour in range(24) %},
        sum(counts.weight_{{ hour }}) as weight_{{ hour }}
        {%- endfor %}
    from counts
    inner join people
        on counts.person_id = people.person_id
    group by counts.split, people.group_name

),

group_counts as (

    select
        group_totals.split,
        group_totals.group_name,
        hours.hour,
        {{ at_hour('hours.hour', 'group_totals.weight_') }} as weight
    from group_totals
    cross join hours

),

everyone_counts as (

    select split, hour, sum(weight) as weight
    from group_counts
    group by split, hour

),

everyone_totals as (

    select split, sum(acts_count) as acts_count, sum(weight) as weight
    from group_totals
    group by split

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

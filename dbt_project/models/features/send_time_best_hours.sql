-- A person is presumed to be like their group, by as many acts as the pseudo-acts say; their own count beside these.
with counts as (

    select * from {{ ref('send_time_counts') }}

),

shares as (

    select * from {{ ref('send_time_shares') }}

),

people as (

    select * from {{ ref('send_time_people') }}

),

groups as (

    select
        split,
        group_name,
        {{ best_hour('hour', 'group_share') }} as best_hour,
        max(group_share) as share,
        {{ best_hour('hour', 'everyone_share') }} as everyone_best_hour,
        max(group_acts_count) as group_acts_count
    from shares
    group by split, group_name

),

totals as (

    select split, person_id, group_name, sum(acts_count) as acts_count, cast(sum(weight) as double) as weight
    from counts
    group by split, person_id, group_name

),

-- An hour of which nothing is known of the person can be the best one only where it is the group's.
spoken_of as (

    select split, person_id, group_name, hour, weight
    from counts
    union all
    select totals.split, totals.person_id, totals.group_name, groups.best_hour, 0
    from totals
    inner join groups
        on totals.split = groups.split and totals.group_name = groups.group_name

),

weighed as (

    select split, person_id, group_name, hour, cast(sum(weight) as double) as weight
    from spoken_of
    group by split, person_id, group_name, hour

),

personal as (

    select
        weighed.split,
        weighed.person_id,
        weighed.hour,
        (weighed.weight + {{ var('send_time_person_pseudo_acts') }} * shares.group_share)
        / (totals.weight + {{ var('send_time_person_pseudo_acts') }}) as share,
        totals.acts_count
    from weighed
    inner join totals
        on weighed.split = totals.split and weighed.person_id = totals.person_id
    inner join shares
        on
            weighed.split = shares.split
            and weighed.group_name = shares.group_name
            and weighed.hour = shares.hour

),

best as (

    select
        split,
        person_id,
        {{ best_hour('hour', 'share') }} as best_hour,
        max(share) as share,
        max(acts_count) as acts_count
    from personal
    group by split, person_id

),

final as (

    select
        groups.split,
        people.person_id,
        people.timezone,
        people.group_name,
        coalesce(best.best_hour, groups.best_hour) as best_hour,
        groups.everyone_best_hour,
        round(coalesce(best.share, groups.share), 6) as share,
        cast(coalesce(best.acts_count, 0) as bigint) as acts_count,
        case
            when best.acts_count >= {{ var('send_time_person_min_acts') }} then 'person'
            when groups.group_acts_count >= {{ var('send_time_group_min_acts') }} then 'group'
            else 'everyone'
        end as basis
    from people
    inner join groups
        on people.group_name = groups.group_name
    left join best
        on groups.split = best.split and people.person_id = best.person_id

)

select * from final

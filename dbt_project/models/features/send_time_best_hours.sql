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
        max({{ ranked_hour('hour', 'group_share') }}) as best,
        max({{ ranked_hour('hour', 'everyone_share') }}) as everyone_best,
        max(group_acts_count) as acts_count
        {%- for hour in range(24) %},
        max(case when hour = {{ hour }} then group_share end) as share_{{ hour }}
        {%- endfor %}
    from shares
    group by split, group_name

),

ranked as (

    select
        groups.split,
        people.person_id,
        people.timezone,
        people.group_name,
        groups.everyone_best,
        groups.acts_count as group_acts_count,
        coalesce(counts.acts_count, 0) as acts_count,
        case
            when counts.person_id is null then groups.best
            else greatest(
                {%- for hour in range(24) %}
                {{
                    ranked_hour(hour, '(counts.weight_' ~ hour ~ ' + ' ~ var('send_time_person_pseudo_acts')
                        ~ ' * groups.share_' ~ hour ~ ') / (counts.weight + ' ~ var('send_time_person_pseudo_acts') ~ ')')
                }}{{ ',' if not loop.last }}
                {%- endfor %}
            )
        end as best
    from people
    inner join groups
        on people.group_name = groups.group_name
    left join counts
        on groups.split = counts.split and people.person_id = counts.person_id

),

final as (

    select
        split,
        person_id,
        timezone,
        group_name,
        {{ hour_of_rank('best') }} as best_hour,
        {{ hour_of_rank('everyone_best') }} as everyone_best_hour,
        {{ share_of_rank('best') }} as share,
        acts_count,
        case
            when acts_count >= {{ var('send_time_person_min_acts') }} then 'person'
            when group_acts_count >= {{ var('send_time_group_min_acts') }} then 'group'
            else 'everyone'
        end as basis
    from ranked

)

select * from final

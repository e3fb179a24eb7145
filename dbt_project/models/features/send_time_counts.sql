with acts as (

    select * from {{ ref('send_time_acts') }}

),

known as (

    select 'score' as split, * from acts
    union all
    select 'test' as split, * from acts
    where occurred_at <= {{ ago(var('send_time_holdout_days')) }}

),

counted as (

    select
        split,
        person_id,
        count(*) as acts_count,
        sum(weight) as weight
        {%- for hour in range(24) %},
        sum(case when hour = {{ hour }} then weight else 0 end) as hour_{{ hour }}
        {%- endfor %}
    from known
    group by split, person_id

),

final as (

    select
        split,
        person_id,
        acts_count,
        weight
        {%- for hour in range(24) %},
        {{ spoken_of(hour) }} as weight_{{ hour }}
        {%- endfor %}
    from counted

)

select * from final

with acts as (

    select * from {{ ref('send_time_acts') }}

),

fits as (

    select 'score' as split, {{ as_of() }} as cutoff
    union all
    select 'test' as split, {{ ago(var('send_time_holdout_days')) }} as cutoff

),

kernel as (

    {{ send_time_kernel() }}

),

counted as (

    select
        fits.split,
        acts.person_id,
        acts.group_name,
        acts.hour,
        count(*) as acts_count,
        sum(acts.weight) as weight
    from fits
    inner join acts
        on fits.cutoff >= acts.occurred_at
    group by fits.split, acts.person_id, acts.group_name, acts.hour

),

final as (

    select
        counted.split,
        counted.person_id,
        counted.group_name,
        cast((counted.hour + kernel.step + 24) % 24 as int) as hour,
        sum(case when kernel.step = 0 then counted.acts_count else 0 end) as acts_count,
        sum(counted.weight * kernel.part) as weight
    from counted
    cross join kernel
    group by all

)

select * from final

-- An hour that the clocks skip is the instant at which they do; one that comes twice is the first. Clocks differ by
-- quarters of hours, and a day has at most 25 hours.
with clocks as (

    select timezone
    from {{ ref('person_clocks') }}
    group by timezone

),

hours as (

    {{ hours_of_a_day() }}

),

ticks as (

    select {{ as_of() }} as tick_at, {{ as_of() }} as before_at
    union all
    select tick_at, {{ minus_interval('tick_at', 15, 'minute') }} as before_at
    from (
        select {{ plus_seconds("date_trunc('hour', " ~ as_of() ~ ")", '900 * steps.n') }} as tick_at
        from range(0, 4 * 26 + 1) as steps (n)
    ) as quarters
    where tick_at > {{ as_of() }}

),

shown as (

    select
        clocks.timezone,
        ticks.tick_at,
        extract(hour from {{ local_time('ticks.tick_at', 'clocks.timezone') }}) as hour,
        extract(hour from {{ local_time('ticks.before_at', 'clocks.timezone') }}) as hour_before
    from ticks
    cross join clocks

),

next_hours as (

    select shown.timezone, hours.hour, min(shown.tick_at) as next_at
    from shown
    inner join hours
        on shown.hour = hours.hour or (shown.hour_before < hours.hour and shown.hour > hours.hour)
    group by shown.timezone, hours.hour

),

final as (

    select
        timezone,
        hour,
        next_at,
        next_at = {{ as_of() }} as is_now,
        cast({{ local_time('next_at', 'timezone') }} as date)
        - cast({{ local_time(as_of(), 'timezone') }} as date) as days_ahead
    from next_hours

)

select * from final

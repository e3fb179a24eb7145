with clocks as (

    select timezone
    from {{ ref('person_clocks') }}
    group by timezone

),

days as (

    select timezone, date_trunc('day', {{ local_time(as_of(), 'timezone') }}) as today
    from clocks

),

final as (

    select
        timezone,
        {{ utc_time(minus_interval('today', 6), 'timezone') }} as week_at,
        {{ utc_time(minus_interval('today', 5), 'timezone') }} as next_week_at,
        {{ utc_time('today', 'timezone') }} as today_at,
        {{ utc_time(plus_interval('today', 1), 'timezone') }} as tomorrow_at
    from days

)

select * from final

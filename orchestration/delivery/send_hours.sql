-- One row per time zone and hour of its clock: the first instant (UTC) at or after as_of at which it is that hour
-- there, as_of itself while it is. An hour that the clocks skip is the instant at which they do; one that comes twice
-- is the first. Clocks differ by quarters of hours.
ticks as (
    select as_of.tick_at, as_of.tick_at as before_at,
    from (select /* as_of */ as tick_at) as as_of
    union all
    select ticks.tick_at, ticks.tick_at - interval 15 minute,
    from (
        select unnest(generate_series(
            date_trunc('hour', /* as_of */), /* as_of */ + interval 26 hour, interval 15 minute
        )) as tick_at
    ) as ticks
    where ticks.tick_at > /* as_of */
),

clocks as (
    select
        zones.name as timezone,
        ticks.tick_at,
        hour(ticks.tick_at at time zone 'UTC' at time zone zones.name) as hour,
        hour(ticks.before_at at time zone 'UTC' at time zone zones.name) as hour_before,
    from ticks
    cross join pg_timezone_names() as zones
    where zones.name = 'UTC' or zones.name in (select timezone from core.profiles)
),

send_hours as (
    select clocks.timezone, hours.hour, min(clocks.tick_at) as next_at,
    from clocks
    inner join (select unnest(generate_series(0, 23)) as hour) as hours
        on clocks.hour = hours.hour or (clocks.hour_before < hours.hour and clocks.hour > hours.hour)
    group by clocks.timezone, hours.hour
),

present_hours as (
    select timezone, arg_min(hour, tick_at) as hour,
    from clocks
    group by timezone
)

-- When a message that nothing is against would leave: at the person's best hour where the campaign asks for it, and
-- not in the quiet hours of their clock, but at their end. In whose zone nobody knows, no hour is quiet.
-- The audience's columns go along: to look them up again by the message costs more than all else here.
{% set quiet = quiet_hours() %}
with audience as (

    select *, exclusion_reason is null and not is_planned as is_open
    from {{ ref('message_audience') }}

),

clocks as (

    select * from {{ ref('person_clocks') }}

),

send_clocks as not materialized (

    select * from {{ ref('send_clocks') }}

),

send_times as (

    select * from {{ ref('send_times') }}

),

present_hours as (

    select timezone, hour
    from send_clocks
    where is_now

),

-- Of whom the last night knew nothing, the present hour is the best one.
aimed as (

    select
        audience.* exclude (quiet_from_hour, quiet_until_hour),
        clocks.timezone,
        audience.send_from_hour is not null as is_at_hour,
        case
            when audience.send_from_hour is null then present_hours.hour
            else least(
                greatest(coalesce(send_times.best_hour, present_hours.hour), audience.send_from_hour),
                audience.send_until_hour - 1
            )
        end as hour,
        case when clocks.is_known then coalesce(audience.quiet_from_hour, {{ quiet[0] }}) else 0 end as quiet_from_hour,
        case when clocks.is_known then coalesce(audience.quiet_until_hour, {{ quiet[1] }}) else 0 end as quiet_until_hour
    from audience
    left join clocks
        on audience.person_id = clocks.person_id and audience.is_open
    left join present_hours
        on clocks.timezone = present_hours.timezone
    left join send_times
        on audience.person_id = send_times.person_id and audience.is_open

),

shifted as (

    select
        *,
        {{ is_quiet('hour', 'quiet_from_hour', 'quiet_until_hour') }} as is_shifted,
        case when {{ is_quiet('hour', 'quiet_from_hour', 'quiet_until_hour') }} then quiet_until_hour else hour end as leaving_hour
    from aimed

),

timed as (

    select
        shifted.* exclude (hour, leaving_hour, timezone, quiet_from_hour, quiet_until_hour, is_shifted),
        leaving.days_ahead,
        case when shifted.is_at_hour or shifted.is_shifted then leaving.next_at end as not_before,
        shifted.is_shifted as is_in_quiet_hours,
        -- For whoever hands it over at another hour than this one; without quiet hours, nothing.
        case
            when shifted.is_open and shifted.quiet_from_hour <> shifted.quiet_until_hour
                then shifted.quiet_from_hour || '-' || shifted.quiet_until_hour || ' ' || shifted.timezone
        end as quiet_hours,
        -- Lateness counts from the hour that was aimed at, and of what was deferred from the first one.
        case
            when shifted.is_open
                then coalesce(
                    shifted.deferred_due_at,
                    case when shifted.is_at_hour then aimed_at.next_at end,
                    shifted.step_due_at,
                    {{ as_of() }}
                )
        end as due_at
    from shifted
    left join send_clocks as leaving
        on shifted.timezone = leaving.timezone and shifted.leaving_hour = leaving.hour
    left join send_clocks as aimed_at
        on shifted.timezone = aimed_at.timezone and shifted.hour = aimed_at.hour

),

final as (

    select
        * exclude (is_at_hour),
        case
            when step_deadline_at is not null
                then step_deadline_at + (due_at - least(due_at, coalesce(step_due_at, due_at)))
            else {{ plus_seconds('due_at', 'lifetime_seconds') }}
        end as expires_at
    from timed

)

select * from final

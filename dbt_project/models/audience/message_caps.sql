-- A round for each message of a person, the more important first: it takes a place of its day and week while there is
-- one. What was taken in earlier rounds, and what earlier runs planned, is counted in front of it.
with recursive waiting as (

    select * from {{ ref('message_hours') }}
    where
        is_open
        and not is_paused
        and not ignores_caps
        and (expires_at is null or expires_at > coalesce(not_before, {{ as_of() }}))

),

counted as (

    select * from {{ ref('counted_messages') }}

),

queued as (

    select
        message_id,
        person_id,
        campaign,
        days_ahead > 0 as is_tomorrow,
        coalesce(cap_per_day, {{ var('cap_per_day') }}) as cap_per_day,
        coalesce(cap_per_week, {{ var('cap_per_week') }}) as cap_per_week,
        row_number() over (
            partition by person_id
            order by priority desc, due_at, campaign, message_id
        ) as place
    from waiting

),

rounds as (

    select
        queued.message_id,
        queued.person_id,
        queued.place,
        case when queued.is_tomorrow then coalesce(counted.tomorrow_count, 0) else coalesce(counted.today_count, 0) end
        >= queued.cap_per_day as is_over_day,
        case when queued.is_tomorrow then coalesce(counted.next_week_count, 0) else coalesce(counted.week_count, 0) end
        >= queued.cap_per_week as is_over_week,
        case when queued.is_tomorrow then counted.tomorrow_campaign else counted.today_campaign end as day_campaign,
        counted.week_campaign,
        queued.campaign,
        queued.is_tomorrow,
        coalesce(counted.today_count, 0) as today_count,
        coalesce(counted.tomorrow_count, 0) as tomorrow_count,
        coalesce(counted.week_count, 0) as week_count,
        coalesce(counted.next_week_count, 0) as next_week_count,
        counted.today_campaign,
        counted.tomorrow_campaign
    from queued
    left join counted
        on queued.person_id = counted.person_id
    where queued.place = 1
    union all
    select
        queued.message_id,
        queued.person_id,
        queued.place,
        case when queued.is_tomorrow then before.tomorrow_count else before.today_count end >= queued.cap_per_day,
        case when queued.is_tomorrow then before.next_week_count else before.week_count end >= queued.cap_per_week,
        case when queued.is_tomorrow then before.tomorrow_campaign else before.today_campaign end,
        before.week_campaign,
        queued.campaign,
        queued.is_tomorrow,
        before.today_count,
        before.tomorrow_count,
        before.week_count,
        before.next_week_count,
        before.today_campaign,
        before.tomorrow_campaign
    from (
        select
            person_id,
            place,
            today_count + cast(not is_over_day and not is_over_week and not is_tomorrow as int) as today_count,
            tomorrow_count + cast(not is_over_day and not is_over_week and is_tomorrow as int) as tomorrow_count,
            week_count + cast(not is_over_day and not is_over_week as int) as week_count,
            next_week_count + cast(not is_over_day and not is_over_week as int) as next_week_count,
            case when is_over_day or is_over_week or is_tomorrow then today_campaign else campaign end as today_campaign,
            case when is_over_day or is_over_week or not is_tomorrow then tomorrow_campaign else campaign end as tomorrow_campaign,
            case when is_over_day or is_over_week then week_campaign else campaign end as week_campaign
        from rounds
    ) as before
    inner join queued
        on before.person_id = queued.person_id and before.place + 1 = queued.place

),

final as (

    select
        message_id,
        person_id,
        is_over_day or is_over_week as is_capped,
        case
            when is_over_day then day_campaign
            when is_over_week then week_campaign
        end as capped_by,
        case
            when is_over_day then 'day'
            when is_over_week then 'week'
        end as cap
    from rounds

)

select * from final

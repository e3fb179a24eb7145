-- A day is one of the person's own clock, and a week is a day and the six before it: a run that is some seconds earlier
-- than yesterday's must not wait for another day.
with messages as (

    select * from {{ ref('stg_outbox__messages') }}
    where
        state in ('planned', 'sending', 'accepted', 'unknown')
        and coalesce(accepted_at, not_before, planned_at) > {{ ago(9) }}

),

pacing as (

    select * from {{ source('raw', 'campaign_pacing') }}

),

people_by_email as (

    select identifier as email, person_id
    from {{ ref('identity_map') }}
    where identifier_type = 'email'

),

clocks as (

    select * from {{ ref('person_clocks') }}

),

days as (

    select * from {{ ref('clock_days') }}

),

-- Two people may have become one since: whose address it is got it.
leaving as (

    select
        messages.campaign,
        coalesce(people_by_email.person_id, messages.person_id) as person_id,
        coalesce(messages.accepted_at, greatest(messages.planned_at, messages.not_before), messages.planned_at) as counted_at
    from messages
    left join people_by_email
        on messages.email = people_by_email.email
    left join pacing
        on messages.campaign = pacing.campaign
    where not coalesce(pacing.ignores_caps, false)

),

dated as (

    select leaving.person_id, leaving.campaign, leaving.counted_at, days.today_at, days.tomorrow_at, days.next_week_at
    from leaving
    inner join clocks
        on leaving.person_id = clocks.person_id
    inner join days
        on clocks.timezone = days.timezone
    where leaving.counted_at >= days.week_at

),

-- What is planned for a later day counts for the week before it too: so no week has more than its cap.
final as (

    select
        person_id,
        count(*) filter (where counted_at >= today_at and counted_at < tomorrow_at) as today_count,
        count(*) filter (where counted_at >= tomorrow_at) as tomorrow_count,
        count(*) as week_count,
        count(*) filter (where counted_at >= next_week_at) as next_week_count,
        arg_max(campaign, (counted_at, campaign)) filter (where counted_at >= today_at and counted_at < tomorrow_at) as today_campaign,
        arg_max(campaign, (counted_at, campaign)) filter (where counted_at >= tomorrow_at) as tomorrow_campaign,
        arg_max(campaign, (counted_at, campaign)) as week_campaign
    from dated
    group by person_id

)

select * from final

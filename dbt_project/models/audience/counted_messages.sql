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

    select
        leaving.person_id,
        leaving.campaign,
        leaving.counted_at,
        cast({{ local_time('leaving.counted_at', 'clocks.timezone') }} as date)
        - cast({{ local_time(as_of(), 'clocks.timezone') }} as date) as days_ahead
    from leaving
    inner join clocks
        on leaving.person_id = clocks.person_id

),

-- What is planned for a later day counts for the week before it too: so no week has more than its cap.
final as (

    select
        person_id,
        count(*) filter (where days_ahead = 0) as today_count,
        count(*) filter (where days_ahead > 0) as tomorrow_count,
        count(*) as week_count,
        count(*) filter (where days_ahead > -6) as next_week_count,
        arg_max(campaign, (counted_at, campaign)) filter (where days_ahead = 0) as today_campaign,
        arg_max(campaign, (counted_at, campaign)) filter (where days_ahead > 0) as tomorrow_campaign,
        arg_max(campaign, (counted_at, campaign)) as week_campaign
    from dated
    where days_ahead > -7
    group by person_id

)

select * from final

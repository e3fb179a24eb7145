with entries as (

    select * from {{ ref('journey_entries') }} as entries
    {{ only_changed_journeys('entries') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

messages as (

    select * from {{ ref('journey_messages') }} as messages
    {{ only_changed_journeys('messages') }}

),

-- An entry that the outbox knows by another instant (a row came late, two people are one) is the one under way then.
placed as (

    select
        entries.entry_key,
        entries.entered_at,
        messages.journey,
        messages.step,
        messages.message_id,
        messages.state,
        messages.planned_at,
        messages.entered_at = entries.entered_at as is_exact
    from messages
    inner join entries
        on
            messages.journey = entries.journey
            and messages.person_id = entries.person_id
            and messages.planned_at >= entries.entered_at
    qualify
        row_number() over (
            partition by messages.message_id
            order by messages.entered_at = entries.entered_at desc, entries.entered_at desc
        ) = 1

),

-- What was planned as of this very instant is what this build is about to send, not what it finds sent: a build that
-- is repeated gives the same rows.
final as (

    select
        placed.entry_key,
        schedule.step_number,
        schedule.offset_seconds,
        placed.message_id,
        placed.state,
        placed.planned_at
    from placed
    inner join schedule
        on placed.journey = schedule.journey and placed.step = schedule.step
    where placed.planned_at < {{ as_of() }} or not placed.is_exact
    qualify
        row_number() over (
            partition by placed.entry_key, placed.step
            order by placed.state = 'held_out', placed.is_exact desc, placed.planned_at, placed.message_id
        ) = 1

)

select * from final

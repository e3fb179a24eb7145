with entries as (

    select * from {{ ref('journey_entries') }} as entries
    {{ only_changed_journeys('entries') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

messages as (

    select * from {{ ref('journey_entry_messages') }}

),

-- Waits count from the last message before, and through steps without one.
sent_before as (

    select
        messages.entry_key,
        schedule.step_number,
        max_by({{ plus_seconds('messages.planned_at', '-messages.offset_seconds') }}, messages.step_number) as counted_from_at
    from messages
    inner join entries
        on messages.entry_key = entries.entry_key
    inner join schedule
        on entries.journey = schedule.journey and messages.step_number < schedule.step_number
    where messages.state <> 'held_out'
    group by messages.entry_key, schedule.step_number

),

last_messages as (

    select entry_key, max(step_number) as step_number
    from messages
    group by entry_key

),

final as (

    select
        entries.entry_key,
        entries.journey,
        entries.person_id,
        entries.entered_at,
        entries.exited_at,
        entries.exit_reason,
        entries.exit_step,
        schedule.step,
        schedule.step_number,
        messages.message_id as known_message_id,
        messages.state as message_state,
        messages.planned_at,
        {{ plus_seconds('coalesce(sent_before.counted_from_at, entries.entered_at)', 'schedule.offset_seconds') }} as due_at,
        {{ plus_seconds(
            plus_seconds('coalesce(sent_before.counted_from_at, entries.entered_at)', 'schedule.offset_seconds'),
            'schedule.at_most_late_seconds'
        ) }} as deadline_at,
        coalesce(last_messages.step_number > schedule.step_number, false) as is_overtaken
    from entries
    inner join schedule
        on entries.journey = schedule.journey
    left join messages
        on entries.entry_key = messages.entry_key and schedule.step_number = messages.step_number
    left join sent_before
        on entries.entry_key = sent_before.entry_key and schedule.step_number = sent_before.step_number
    left join last_messages
        on entries.entry_key = last_messages.entry_key

)

select * from final

with journeys as (

    select * from {{ source('raw', 'journeys') }}

),

rules as (

    select * from {{ source('raw', 'journey_rules') }}

),

conditions as (

    select * from {{ source('raw', 'journey_conditions') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

signals as (

    select * from {{ ref('journey_signals') }}

),

states as (

    select * from {{ ref('journey_states') }}

),

messages as (

    select * from {{ ref('journey_messages') }} as messages
    {{ only_changed_journeys('messages') }}

),

-- What the outbox says of an entry is a fact: it stays one when its cause is taken back, or turns out to be older.
found as (

    select rules.journey, signals.person_id, signals.happened_at as entered_at
    from signals
    inner join rules
        on signals.kind = rules.kind and signals.value = rules.value
    inner join journeys
        on rules.journey = journeys.journey
    where rules.role = 'entry' and coalesce(signals.happened_at >= journeys.starts_at, true)
    union
    select journey, person_id, entered_at
    from messages

),

-- One number for each of them, for what follows to join on; the same in every build.
triggers as (

    select
        hash(journey, person_id, entered_at) as entry_key,
        journey,
        person_id,
        entered_at
    from found

),

sent as (

    select
        triggers.entry_key,
        schedule.step_number,
        schedule.offset_seconds,
        min(messages.planned_at) filter (where messages.state <> 'held_out') as sent_at
    from messages
    inner join schedule
        on messages.journey = schedule.journey and messages.step = schedule.step
    inner join triggers
        on
            messages.journey = triggers.journey
            and messages.person_id = triggers.person_id
            and messages.entered_at = triggers.entered_at
    group by triggers.entry_key, schedule.step_number, schedule.offset_seconds

),

-- The steps on which an end hangs are due after the waits since the last message before them.
deciding_steps as (

    select
        triggers.entry_key,
        triggers.journey,
        triggers.person_id,
        triggers.entered_at,
        schedule.step,
        schedule.step_number,
        schedule.is_last,
        schedule.otherwise,
        {{ plus_seconds(
            "coalesce(max_by(" ~ plus_seconds('sent.sent_at', '-sent.offset_seconds') ~ ", sent.step_number), triggers.entered_at)",
            'schedule.offset_seconds'
        ) }} as due_at
    from triggers
    inner join schedule
        on triggers.journey = schedule.journey and (schedule.is_last or schedule.otherwise = 'exit')
    left join sent
        on
            triggers.entry_key = sent.entry_key
            and schedule.step_number > sent.step_number
            and sent.sent_at is not null
    group by
        triggers.entry_key, triggers.journey, triggers.person_id, triggers.entered_at,
        schedule.step, schedule.step_number, schedule.is_last, schedule.otherwise, schedule.offset_seconds

),

due_for_exit as (

    select
        deciding_steps.entry_key,
        deciding_steps.step_number,
        deciding_steps.journey,
        deciding_steps.person_id,
        deciding_steps.entered_at,
        deciding_steps.step,
        deciding_steps.due_at
    from deciding_steps
    left join sent
        on deciding_steps.entry_key = sent.entry_key and deciding_steps.step_number = sent.step_number
    where
        deciding_steps.otherwise = 'exit'
        and deciding_steps.due_at <= {{ as_of() }}
        and sent.step_number is null

),

refused as (

    {{ failed_conditions('due_for_exit') }}

),

exit_signals as (

    select
        rules.journey,
        signals.person_id,
        signals.happened_at,
        case when bool_or(rules.reason = 'goal_reached') then 'goal_reached' else min(rules.reason) end as reason
    from signals
    inner join rules
        on signals.kind = rules.kind and signals.value = rules.value
    where rules.role = 'exit'
    group by rules.journey, signals.person_id, signals.happened_at

),

-- At one instant, what ends a journey stands before what begins it: it ended an earlier one.
instants as (

    select entry_key, journey, person_id, entered_at as at_instant, 1 as place, cast(null as timestamp) as exit_at
    from triggers
    union all
    select null, journey, person_id, happened_at, 0, happened_at
    from exit_signals

),

first_exits as (

    select entry_key, journey, person_id, exit_at
    from (
        select
            entry_key,
            journey,
            person_id,
            min(exit_at) over (
                partition by journey, person_id
                order by at_instant, place
                rows between current row and unbounded following
            ) as exit_at
        from instants
    ) as followed
    where entry_key is not null and exit_at is not null

),

-- The goal comes before other signals of an instant, signals before steps, and both before the plain end.
endings as (

    select
        first_exits.entry_key,
        first_exits.exit_at as ended_at,
        1 as place,
        exit_signals.reason as exit_reason,
        cast(null as varchar) as exit_step
    from first_exits
    inner join exit_signals
        on
            first_exits.journey = exit_signals.journey
            and first_exits.person_id = exit_signals.person_id
            and first_exits.exit_at = exit_signals.happened_at
    union all
    select due_for_exit.entry_key, due_for_exit.due_at, 2, 'condition', due_for_exit.step
    from due_for_exit
    inner join refused
        on due_for_exit.entry_key = refused.entry_key and due_for_exit.step_number = refused.step_number
    union all
    select
        deciding_steps.entry_key,
        {{ plus_seconds('deciding_steps.due_at', 'journeys.stays_seconds') }},
        3,
        'completed',
        null
    from deciding_steps
    inner join journeys
        on deciding_steps.journey = journeys.journey
    -- At the last instant of a journey its last message may still be sent.
    where
        deciding_steps.is_last
        and {{ plus_seconds('deciding_steps.due_at', 'journeys.stays_seconds') }} < {{ as_of() }}

),

first_endings as (

    select *
    from endings
    qualify
        row_number() over (
            partition by entry_key
            order by ended_at, place, exit_step
        ) = 1

),

-- No part of what is known, but when to look again.
coming_endings as (

    select entry_key, due_at as at_instant
    from deciding_steps
    union all
    select deciding_steps.entry_key, {{ plus_seconds('deciding_steps.due_at', 'journeys.stays_seconds') }}
    from deciding_steps
    inner join journeys
        on deciding_steps.journey = journeys.journey

),

next_endings as (

    select entry_key, min(at_instant) as ends_next_at
    from coming_endings
    where at_instant >= {{ as_of() }}
    group by entry_key

),

-- "After 90 days" lets somebody in again on the very instant; "always" does so after the end.
openings as (

    select journey, person_id, entered_at as at_instant, 1 as place, entered_at as trigger_at, null as of_entry
    from triggers
    union all
    select
        triggers.journey,
        triggers.person_id,
        {{ plus_seconds('first_endings.ended_at', 'journeys.reentry_seconds') }},
        case journeys.reentry when 'after' then 0 else 2 end,
        null,
        triggers.entry_key
    from first_endings
    inner join triggers
        on first_endings.entry_key = triggers.entry_key
    inner join journeys
        on triggers.journey = journeys.journey
    where journeys.reentry <> 'never'

),

next_entries as (

    select of_entry as entry_key, next_entered_at
    from (
        select
            of_entry,
            min(trigger_at) over (
                partition by journey, person_id
                order by at_instant, place
                rows between current row and unbounded following
            ) as next_entered_at
        from openings
    ) as followed
    where of_entry is not null and next_entered_at is not null

),

final as (

    select
        triggers.entry_key,
        triggers.journey,
        triggers.person_id,
        triggers.entered_at,
        first_endings.ended_at,
        first_endings.exit_reason,
        first_endings.exit_step,
        next_endings.ends_next_at,
        next_entries.next_entered_at,
        row_number() over (
            partition by triggers.journey, triggers.person_id
            order by triggers.entered_at
        ) as trigger_number
    from triggers
    left join first_endings
        on triggers.entry_key = first_endings.entry_key
    left join next_endings
        on triggers.entry_key = next_endings.entry_key
    left join next_entries
        on triggers.entry_key = next_entries.entry_key

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_journeys', 'matching': {'person_id': 'person_id'}}],
) }}

with recursive triggers as (

    select * from {{ ref('journey_triggers') }}

),

signals as (

    select * from {{ ref('journey_signals') }}

),

rules as (

    select * from {{ source('raw', 'journey_rules') }}

),

-- A round for each further entry: whoever is in the journey does not enter, so that each entry names the next.
entries as (

    select entry_key, journey, person_id, 1 as entry_number, entered_at, ended_at, exit_reason, exit_step, next_entered_at
    from triggers
    where trigger_number = 1
    union all
    select
        triggers.entry_key,
        triggers.journey,
        triggers.person_id,
        entries.entry_number + 1,
        triggers.entered_at,
        triggers.ended_at,
        triggers.exit_reason,
        triggers.exit_step,
        triggers.next_entered_at
    from entries
    inner join triggers
        on
            entries.journey = triggers.journey
            and entries.person_id = triggers.person_id
            and entries.next_entered_at = triggers.entered_at

),

goals as (

    select rules.journey, signals.person_id, signals.happened_at
    from signals
    inner join rules
        on signals.kind = rules.kind and signals.value = rules.value
    where rules.role = 'goal'

),

goals_reached as (

    select entries.entry_key, min(goals.happened_at) as goal_reached_at
    from entries
    inner join goals
        on
            entries.journey = goals.journey
            and entries.person_id = goals.person_id
            and goals.happened_at > entries.entered_at
            and coalesce(goals.happened_at <= entries.ended_at, true)
    group by entries.entry_key

),

final as (

    select
        entries.entry_key,
        entries.journey,
        entries.person_id,
        cast(entries.entry_number as bigint) as entry_number,
        entries.entered_at,
        entries.ended_at as exited_at,
        entries.exit_reason,
        entries.exit_step,
        goals_reached.goal_reached_at
    from entries
    left join goals_reached
        on entries.entry_key = goals_reached.entry_key

)

select * from final

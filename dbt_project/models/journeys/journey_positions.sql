{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_journeys', 'matching': {'person_id': 'person_id'}}],
) }}

with entries as (

    select * from {{ ref('journey_entries') }} as entries
    {{ only_changed_journeys('entries') }}

),

steps as (

    select * from {{ ref('journey_steps_taken') }} as steps
    {{ only_changed_journeys('steps') }}

),

reached as (

    select
        journey,
        person_id,
        entered_at,
        max_by(step, step_number) filter (where state in ('sent', 'skipped')) as last_step,
        max_by(state, step_number) filter (where state in ('sent', 'skipped')) as last_state,
        max_by(decided_at, step_number) filter (where state in ('sent', 'skipped')) as last_decided_at,
        min_by(step, step_number) filter (where state in ('waiting', 'due')) as next_step,
        min_by(due_at, step_number) filter (where state in ('waiting', 'due')) as next_due_at,
        count(*) filter (where state = 'sent') as sent_count
    from steps
    group by journey, person_id, entered_at

),

final as (

    select
        entries.journey,
        entries.person_id,
        entries.entry_number,
        entries.entered_at,
        entries.exited_at is null as is_in_journey,
        reached.last_step,
        reached.last_state,
        reached.last_decided_at,
        case when entries.exited_at is null then reached.next_step end as next_step,
        case when entries.exited_at is null then reached.next_due_at end as next_due_at,
        reached.sent_count,
        entries.exit_reason,
        entries.exited_at,
        entries.goal_reached_at
    from entries
    inner join reached
        on
            entries.journey = reached.journey
            and entries.person_id = reached.person_id
            and entries.entered_at = reached.entered_at

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_journeys', 'matching': {'person_id': 'person_id'}}],
) }}

with triggers as (

    select * from {{ ref('journey_triggers') }}

),

verdicts as (

    select * from {{ ref('journey_step_verdicts') }}

),

messages as (

    select * from {{ ref('journey_messages') }} as messages
    {{ only_changed_journeys('messages') }}

),

instants as (

    select person_id, ends_next_at as wakes_at
    from triggers
    where ends_next_at >= {{ as_of() }}
    union all
    select person_id, due_at
    from verdicts
    where due_at >= {{ as_of() }}
    union all
    select person_id, deadline_at
    from verdicts
    where deadline_at >= {{ as_of() }}
    union all
    -- What waits behind a step that is due counts from the instant of each build.
    select person_id, {{ as_of() }}
    from verdicts
    where verdict = 'due'
    union all
    -- What was planned as of this very instant is found sent from the next on.
    select person_id, planned_at
    from messages
    where planned_at >= {{ as_of() }}

),

final as (

    select person_id, min(wakes_at) as wakes_at
    from instants
    group by person_id

)

select * from final

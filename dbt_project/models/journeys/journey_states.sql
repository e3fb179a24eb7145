with conditions as (

    select * from {{ source('raw', 'journey_conditions') }}

),

segment_transitions as (

    select * from {{ ref('segment_transitions') }} as transitions
    {{ only_changed_journeys('transitions') }}

),

lifecycle_transitions as (

    select * from {{ ref('lifecycle_transitions') }} as transitions
    {{ only_changed_journeys('transitions') }}

),

wanted as (

    select kind, value
    from conditions
    group by kind, value

),

memberships as (

    select
        person_id,
        'in_segment' as kind,
        segment as value,
        change,
        changed_at as from_at,
        lead(changed_at) over (partition by segment, person_id order by changed_at, change) as until_at
    from segment_transitions

),

stages as (

    select
        person_id,
        'stage_is' as kind,
        to_stage as value,
        changed_at as from_at,
        lead(changed_at) over (partition by person_id order by changed_at) as until_at
    from lifecycle_transitions

),

states as (

    select person_id, kind, value, from_at, until_at
    from memberships
    where change = 'entered'
    union all
    select person_id, kind, value, from_at, until_at
    from stages

),

final as (

    select states.person_id, states.kind, states.value, states.from_at, states.until_at
    from states
    inner join wanted
        on states.kind = wanted.kind and states.value = wanted.value

)

select * from final

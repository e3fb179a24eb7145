{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'people_with_observations', 'matching': {'person_id': 'person_id'}}],
) }}

with changes as (

    select * from {{ ref('stg_segments__changes') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}
    {%- if is_incremental() %}
    where person_id in (select people.person_id from {{ ref('people_with_observations') }} as people)
    {%- endif %}

),

-- Whatever a person was called before, it was after one of their identifiers.
known_ids as (

    select {{ person_id('identity_map') }} as known_id, person_id
    from identity_map

),

steps as (

    select
        changes.segment,
        coalesce(known_ids.person_id, changes.person_id) as person_id,
        changes.changed_at,
        sum(case changes.change when 'entered' then 1 else -1 end) as ids_gained
    from changes
    left join known_ids
        on changes.person_id = known_ids.known_id
    {%- if is_incremental() %}
    where
        known_ids.person_id is not null
        or changes.person_id in (select people.person_id from {{ ref('people_with_observations') }} as people)
    {%- endif %}
    group by all

),

-- Who turned out to be one person was in the segment as long as any of their ids was.
standings as (

    select *, sum(ids_gained) over past as ids_count
    from steps
    window past as (
        partition by segment, person_id
        order by changed_at
        rows between unbounded preceding and current row
    )

),

final as (

    select
        segment,
        person_id,
        case when ids_count > 0 then 'entered' else 'exited' end as change,
        changed_at
    from standings
    where (ids_count > 0) <> (ids_count - ids_gained > 0)

)

select * from final

{% if is_refresh_incremental() %}
with people as (

    select * from {{ ref('people') }}

),

wakes as (

    select * from {{ before_refresh('journey_wakes') }}

),

definitions as (

    select * from {{ before_refresh('journey_definitions') }}

),

final as (

    select person_id from {{ ref('changed_people') }}
    union
    select person_id from {{ ref('moved_people') }}
    union
    {%- if is_refresh_partial() %}
    -- depends_on: {{ ref('renoted_people') }}, {{ ref('segment_changes_now') }}
    {%- else %}
    -- Whose segments changed, and whose did otherwise than the last refresh saw.
    select person_id from {{ ref('renoted_people') }}
    union
    select person_id from {{ ref('segment_changes_now') }}
    union
    {%- endif %}
    select person_id from {{ ref('journey_messages') }}
    where _refresh = {{ refresh_number() }}
    union
    select person_id from {{ ref('gone_journey_messages') }}
    {%- if not is_refresh_partial() %}
    union
    -- For whom a step falls due, comes too late, or a journey ends, though nothing happened.
    select person_id
    from wakes
    where wakes_at <= {{ as_of() }}
    {%- endif %}
    union
    -- Everybody, when the journeys themselves are others.
    select people.person_id
    from people
    inner join definitions
        on definitions.definition <> ({{ journey_definition() }})

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}

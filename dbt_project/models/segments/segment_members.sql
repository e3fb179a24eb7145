{{ config(materialized='view') }}

with observed as (

    select * from {{ ref('segment_observed_members') }}

),

refreshes as (

    select * from {{ ref('segment_refreshes') }}

),

refreshed as (

    {% for segment in var('segments') %}
    select '{{ segment }}' as segment, person_id from {{ ref(segment) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select cast(null as varchar) as segment, cast(null as varchar) as person_id
    where false
    {% endfor %}

),

-- A segment that failed keeps whom earlier builds found in it.
kept as (

    select observed.segment, observed.person_id
    from observed
    inner join refreshes
        on observed.segment = refreshes.segment and not refreshes.is_refreshed

),

final as (

    select segment, person_id
    from refreshed
    union all
    select segment, person_id
    from kept

)

select * from final

{{ config(materialized='view') }}

with campaigns as (

    select * from {{ source('raw', 'campaigns') }}

),

journey_rules as (

    select * from {{ source('raw', 'journey_rules') }}

),

journey_conditions as (

    select * from {{ source('raw', 'journey_conditions') }}

),

refreshes as (

    select * from {{ ref('segment_refreshes') }}

),

failed as (

    select segment
    from refreshes
    where not is_refreshed

),

hanging as (

    select 'campaign' as kind, campaign as name, segment
    from campaigns
    union all
    -- A journey's entries, exits, goal and conditions.
    select 'journey', journey, value
    from journey_rules
    where kind in ('segment_entered', 'segment_left')
    union all
    select 'journey', journey, value
    from journey_conditions
    where kind = 'in_segment'

),

final as (

    select hanging.kind, hanging.name, min(hanging.segment) as segment
    from hanging
    inner join failed
        on hanging.segment = failed.segment
    group by hanging.kind, hanging.name

)

select * from final

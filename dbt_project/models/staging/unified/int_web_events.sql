{{ config(materialized='view') }}

with web as (

    select * from {{ ref('stg_web__events') }}

),

segment as (

    select * from {{ ref('stg_segment__events') }}

),

ga4 as (

    select * from {{ ref('stg_ga4__events') }}

),

final as (

    select
        'web' as source,
        message_id,
        anonymous_id,
        user_id,
        previous_id,
        case when type = 'identify' then {{ normalised_email("coalesce(properties ->> '$.email', context ->> '$.traits.email')") }} end as email,
        type,
        event,
        properties,
        context,
        occurred_at,
        received_at,
        _load_id,
        _row,
        _landed_at,
        _refresh
    from web
    union all
    select
        'segment', message_id, anonymous_id, user_id, previous_id, email, type, event, properties, context,
        occurred_at, received_at, _load_id, _row, _landed_at,
        _refresh
    from segment
    union all
    select
        'ga4', message_id, anonymous_id, user_id, null, null, type, event, properties, context,
        occurred_at, null, _load_id, _row, _landed_at,
        _refresh
    from ga4

)

select * from final

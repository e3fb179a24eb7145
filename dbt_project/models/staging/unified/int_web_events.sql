{{ config(materialized='view') }}

with web as (

    select * from {{ ref('stg_web__events') }}

),

final as (

    select
        'web' as source,
        message_id,
        anonymous_id,
        user_id,
        cast(null as varchar) as previous_id,
        case when type = 'identify' then {{ normalised_email("coalesce(properties ->> '$.email', context ->> '$.traits.email')") }} end as email,
        type,
        event,
        properties,
        context,
        occurred_at,
        received_at,
        _load_id,
        _row,
        _landed_at
    from web

)

select * from final

{{ config(materialized='view') }}

with esp as (

    select * from {{ ref('stg_esp__events') }}

),

final as (

    select
        'esp' as source,
        event_id,
        message_id,
        email,
        event,
        url,
        reason,
        user_agent,
        is_machine,
        occurred_at,
        _load_id,
        _row,
        _landed_at
    from esp

)

select * from final

with received as (

    select * from {{ ref('int_esp_events') }}

),

messages as (

    select * from {{ ref('email_messages') }}

),

-- An ESP delivers an event at least once.
once as (

    select *
    from received
    qualify row_number() over (partition by event_id order by occurred_at, _landed_at, _load_id, _row) = 1

),

final as (

    select
        once.event_id,
        once.message_id,
        once.email,
        once.event,
        once.occurred_at,
        once.url,
        once.reason,
        once.is_machine,
        messages.campaign
    from once
    left join messages
        on once.message_id = messages.message_id

)

select * from final

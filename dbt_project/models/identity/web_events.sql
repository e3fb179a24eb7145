with received as (

    select * from {{ ref('int_web_events') }}

),

device_tenures as (

    select * from {{ ref('device_tenures') }}

),

-- A client that got no answer sends the same message again.
once as (

    select *
    from received
    qualify
        row_number() over (
            partition by source, message_id
            order by occurred_at, received_at, user_id, anonymous_id, type, event, properties, context
        ) = 1

),

final as (

    select
        once.source,
        once.message_id,
        once.anonymous_id,
        once.user_id,
        once.previous_id,
        once.email,
        case when once.user_id is null then 'anonymous_id' else 'contact_id' end as identifier_type,
        coalesce(once.user_id, device_tenures.tenure_id, once.anonymous_id) as identifier,
        coalesce(device_tenures.tenure_id, once.anonymous_id) as tenure_id,
        once.type,
        {{ event_name('once.event') }} as event,
        once.properties,
        once.context,
        once.occurred_at,
        once.received_at
    from once
    left join device_tenures
        on
            once.anonymous_id = device_tenures.anonymous_id
            and once.occurred_at >= device_tenures.started_at
            and once.occurred_at < device_tenures.ended_at

)

select * from final

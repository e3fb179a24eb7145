{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_web_messages', 'matching': {'message_id': 'message_id'}}],
) }}

with received as {{ read_anew() }} (

    select * from {{ ref('int_web_events') }}
    {% if is_incremental() %}
    where message_id in ({{ keys_of(ref('changed_web_messages'), 'message_id') }})
    {% endif %}

),

device_tenures as (

    select * from {{ ref('device_tenures') }}

),

-- A client that got no answer sends the same message again; each time says something of who they are.
numbered as (

    select * from {{ numbered_copies(
        'received', ['source', 'message_id'],
        'occurred_at, received_at, user_id, anonymous_id, type, event, properties, context',
    ) }}

),

final as (

    select
        numbered.source,
        numbered.message_id,
        numbered.anonymous_id,
        numbered.user_id,
        numbered.previous_id,
        numbered.email,
        case when numbered.user_id is null then 'anonymous_id' else 'contact_id' end as identifier_type,
        coalesce(numbered.user_id, device_tenures.tenure_id, numbered.anonymous_id) as identifier,
        coalesce(device_tenures.tenure_id, numbered.anonymous_id) as tenure_id,
        numbered.type,
        {{ event_name('numbered.event') }} as event,
        numbered.properties,
        numbered.context,
        numbered.occurred_at,
        numbered.received_at,
        numbered.copy_number > 1 as is_repeat,
        {{ refresh_number() }} as _refresh
    from numbered
    left join device_tenures
        on
            numbered.anonymous_id = device_tenures.anonymous_id
            and numbered.occurred_at >= device_tenures.started_at
            and numbered.occurred_at < device_tenures.ended_at

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_email_events', 'matching': {'event_id': 'event_id'}}],
) }}

with received as {{ read_anew() }} (

    select * from {{ ref('int_esp_events') }}
    {% if is_incremental() %}
    where event_id in (select event_id from {{ ref('changed_email_events') }})
    {% endif %}

),

messages as (

    select * from {{ ref('email_messages') }}

),

machine_acts as (

    select * from {{ ref('machine_acts') }}

),

-- An ESP delivers an event at least once.
once as (

    select * from {{ numbered_copies('received', ['event_id'], 'occurred_at, _landed_at, _load_id, _row') }}
    where copy_number = 1

),

final as (

    select
        once.event_id,
        once.message_id,
        once.email,
        once.event,
        once.occurred_at,
        once.url,
        {{ link_of('once.url') }} as link,
        once.reason,
        once.is_machine or machine_acts.event_id is not null as is_machine,
        machine_acts.machine_reason,
        messages.campaign,
        {{ refresh_number() }} as _refresh
    from once
    left join messages
        on once.message_id = messages.message_id
    left join machine_acts
        on once.event_id = machine_acts.event_id

)

select * from final

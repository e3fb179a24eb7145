{{ config(materialized='view') }}

with esp as (

    select * from {{ ref('stg_esp__events') }}

),

-- SendGrid repeats an event under its old id, and at times under a new one.
sendgrid_ids as (

    select *
    from {{ ref('stg_sendgrid__events') }}
    qualify row_number() over (partition by sg_event_id order by occurred_at, _landed_at, _load_id, _row) = 1

),

sendgrid as (

    select *
    from sendgrid_ids
    qualify row_number() over (partition by event_id order by sg_event_id) = 1

),

-- A report that is fetched again lists its events again.
mailchimp as (

    select *
    from {{ ref('stg_mailchimp__events') }}
    qualify row_number() over (partition by event_id order by occurred_at, _landed_at, _load_id, _row) = 1

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
        _landed_at,
        _refresh
    from esp
    union all
    select
        'sendgrid', event_id, message_id, email, event, url, reason, user_agent, is_machine, occurred_at, _load_id,
        _row, _landed_at,
        _refresh
    from sendgrid
    union all
    select
        'mailchimp', event_id, message_id, email, event, url, reason, null, false, occurred_at, _load_id, _row,
        _landed_at,
        _refresh
    from mailchimp

)

select * from final

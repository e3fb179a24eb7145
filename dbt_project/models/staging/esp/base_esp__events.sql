{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'esp_events')) }}

),

renamed as (

    select
        trim(event_id) as event_id,
        nullif(trim(message_id), '') as message_id,
        {{ normalised_email('email') }} as email,
        lower(trim(event)) as event,
        url,
        reason,
        user_agent,
        {{ is_true('is_machine') }} as is_machine,
        {{ to_utc('occurred_at') }} as occurred_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(event_id), '') is null", "event_id is missing"),
            ("not " ~ is_email(normalised_email('email')), "email is no address"),
            ("coalesce(lower(trim(event)), '') not in ('queued', 'sent', 'deferred', 'delivered', 'bounced', 'rejected', 'opened', 'clicked', 'complained', 'unsubscribed', 'subscribed')", "event is not in the vocabulary"),
            (is_bad_boolean('is_machine'), "is_machine is neither true nor false"),
            (to_utc('occurred_at') ~ " is null", "occurred_at is no ISO 8601 time"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

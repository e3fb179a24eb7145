{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'esp_messages')) }}

),

renamed as (

    select
        trim(message_id) as message_id,
        {{ normalised_email('email') }} as email,
        campaign,
        variant,
        subject,
        {{ is_true('is_holdout') }} as is_holdout,
        {{ to_utc('sent_at') }} as sent_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(message_id), '') is null", "message_id is missing"),
            ("not " ~ is_email(normalised_email('email')), "email is no address"),
            ("nullif(trim(campaign), '') is null", "campaign is missing"),
            (is_bad_boolean('is_holdout'), "is_holdout is neither true nor false"),
            (to_utc('sent_at') ~ " is null", "sent_at is no ISO 8601 time"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'crm_events')) }}

),

renamed as (

    select
        trim(event_id) as event_id,
        trim(name) as name,
        trim(topic) as topic,
        nullif(trim(city), '') as city,
        nullif(trim(region), '') as region,
        nullif(trim(country), '') as country,
        nullif(trim(timezone), '') as timezone,
        nullif(trim(url), '') as url,
        try_cast(trim(capacity) as bigint) as capacity,
        try_cast(trim(registered_count) as bigint) as registered_count,
        {{ is_true('is_cancelled') }} as is_cancelled,
        {{ to_utc('starts_at') }} as starts_at,
        {{ to_utc('ends_at') }} as ends_at,
        {{ to_utc('updated_at') }} as updated_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(event_id), '') is null", "event_id is missing"),
            ("nullif(trim(name), '') is null", "name is missing"),
            ("nullif(trim(topic), '') is null", "topic is missing"),
            (to_utc('starts_at') ~ " is null", "starts_at is no ISO 8601 time"),
            (is_bad_time('ends_at'), "ends_at is no ISO 8601 time"),
            (to_utc('ends_at') ~ " < " ~ to_utc('starts_at'), "ends_at is before starts_at"),
            ("nullif(trim(url), '') is not null and not starts_with(lower(trim(url)), 'https://')", "url is no https address"),
            (is_bad_number('capacity', 'bigint'), "capacity is no whole number"),
            (is_negative('capacity', 'bigint'), "capacity is negative"),
            (is_bad_number('registered_count', 'bigint'), "registered_count is no whole number"),
            (is_negative('registered_count', 'bigint'), "registered_count is negative"),
            (is_bad_boolean('is_cancelled'), "is_cancelled is neither true nor false"),
            (is_bad_time('updated_at'), "updated_at is no ISO 8601 time"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

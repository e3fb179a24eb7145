{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'web_events')) }}

),

renamed as (

    select
        trim(message_id) as message_id,
        nullif(trim(anonymous_id), '') as anonymous_id,
        nullif(trim(user_id), '') as user_id,
        case
            when lower(trim(type)) = 'alias'
                then nullif(trim(coalesce(
                    _extra ->> '$.previous_id', _extra ->> '$.previousId',
                    {{ json_object_or_null('properties') }} ->> '$.previous_id',
                    {{ json_object_or_null('properties') }} ->> '$.previousId'
                )), '')
        end as previous_id,
        lower(trim(type)) as type,
        event,
        case when json_valid(properties) then properties end as properties,
        case when json_valid(context) then context end as context,
        {{ to_utc('"timestamp"') }} as occurred_at,
        {{ to_utc('received_at') }} as received_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(message_id), '') is null", "message_id is missing"),
            ("nullif(trim(anonymous_id), '') is null and nullif(trim(user_id), '') is null", "anonymous_id and user_id are missing"),
            ("coalesce(lower(trim(type)), '') not in ('page', 'track', 'identify', 'screen', 'alias')", "type is none of page, track, identify, screen, alias"),
            ("lower(trim(type)) = 'track' and nullif(trim(event), '') is null", "event is missing in a track"),
            (to_utc('"timestamp"') ~ " is null", "timestamp is no ISO 8601 time"),
            (is_bad_time('received_at'), "received_at is no ISO 8601 time"),
            (is_bad_json('properties'), "properties is no JSON"),
            (is_bad_json('context'), "context is no JSON"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed

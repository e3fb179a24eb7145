with source as (

    select * from {{ ref('src_segment__events') }}
    where {{ known() }}

),

parsed as (

    select
        *,
        nullif(trim(message_id), '') as given_message_id,
        nullif(trim(anonymous_id), '') as given_anonymous_id,
        nullif(trim(user_id), '') as given_user_id,
        nullif(trim(previous_id), '') as given_previous_id,
        coalesce(lower(trim(type)), '') as given_type,
        {{ json_object_or_null('properties') }} as good_properties,
        {{ json_object_or_null('traits') }} as good_traits,
        {{ json_object_or_null('context') }} as good_context,
        -- The clock of Segment's servers corrects the device's where a payload has not been through them.
        case
            when source.timestamp is not null then {{ to_utc('"timestamp"') }}
            else coalesce(
                {{ to_utc('received_at') }} - ({{ to_utc('sent_at') }} - {{ to_utc('original_timestamp') }}),
                {{ to_utc('original_timestamp') }},
                {{ to_utc('received_at') }}
            )
        end as happened_at
    from source

),

renamed as (

    select
        given_message_id as message_id,
        given_anonymous_id as anonymous_id,
        given_user_id as user_id,
        case when given_type = 'alias' then given_previous_id end as previous_id,
        case
            when given_type = 'identify'
                then {{ normalised_email("coalesce(good_traits ->> '$.email', good_context ->> '$.traits.email')") }}
        end as email,
        given_type as type,
        case when given_type = 'track' then nullif(trim(event), '') end as event,
        case
            when given_type in ('identify', 'group') then good_traits
            when given_type in ('page', 'screen') and coalesce(name, category) is not null
                then {{ json_merged(json_without_nulls([('name', 'name'), ('category', 'category')]), 'good_properties') }}
            else good_properties
        end as properties,
        good_context as context,
        happened_at as occurred_at,
        {{ to_utc('received_at') }} as received_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("given_message_id is null", "messageId is missing"),
            ("coalesce(given_anonymous_id, given_user_id) is null", "anonymousId and userId are missing"),
            ("given_type not in ('page', 'track', 'identify', 'screen', 'alias', 'group')", "type is none of page, track, identify, screen, alias, group"),
            ("given_type = 'track' and nullif(trim(event), '') is null", "event is missing in a track"),
            ("given_type = 'alias' and given_previous_id is null", "previousId is missing in an alias"),
            ("properties is not null and good_properties is null", "properties is no JSON object"),
            ("traits is not null and good_traits is null", "traits is no JSON object"),
            ("context is not null and good_context is null", "context is no JSON object"),
            ("happened_at is null", "timestamp is no ISO 8601 time"),
        ]) }} as _refusal,
        {{ third_party_copy_number('segment', 'events') }} as _copy_number,
        {{ refresh_of_load() }} as _refresh
    from parsed

)

select * from renamed

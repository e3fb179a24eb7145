{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    unique_key=['type_a', 'identifier_a', 'type_b', 'identifier_b'],
    stale=[{'changes': 'retenured_devices', 'matching': {'type_b': 'identifier_type', 'identifier_b': 'tenure_id'}}],
) }}

with contacts as (

    select * from {{ ref('stg_crm__contacts') }}
    {% if is_incremental() %}
    where {{ is_news('stg_crm__contacts', 'signed_up_at', 'updated_at') }}
    {% endif %}

),

consents as (

    select * from {{ ref('stg_crm__consents') }}
    {% if is_incremental() %}
    where {{ is_news('stg_crm__consents', 'occurred_at') }}
    {% endif %}

),

activities as (

    select * from {{ ref('stg_crm__activities') }}
    {% if is_incremental() %}
    where {{ is_news('stg_crm__activities', 'occurred_at') }}
    {% endif %}

),

orders as (

    select * from {{ ref('int_orders') }}
    {% if is_incremental() %}
    where {{ is_news('int_orders', 'ordered_at') }}
    {% endif %}

),

web_events as (

    select * from {{ ref('web_events') }}
    {% if is_incremental() %}
    where _refresh = {{ refresh_number() }}
    {% endif %}

),

device_tenures as (

    select * from {{ ref('device_tenures') }}

),

{% if is_incremental() %}
retenured_devices as (

    select * from {{ ref('retenured_devices') }}

),

{% endif %}
cuts as (

    select
        type_a,
        {{ normalised_identifier('type_a', 'identifier_a') }} as identifier_a,
        type_b,
        {{ normalised_identifier('type_b', 'identifier_b') }} as identifier_b
    from {{ ref('identity_cuts') }}

),

matched_contacts as (

    select * from {{ ref('matched_contacts') }}

),

-- The first of a pair is the stronger identifier: contact_id, then email, phone, anonymous_id.
links as (

    select
        'contact_id' as type_a,
        contact_id as identifier_a,
        'email' as type_b,
        email as identifier_b,
        signed_up_at as seen_at
    from contacts
    union all
    select 'contact_id', contact_id, 'phone', phone, signed_up_at
    from contacts
    union all
    select 'contact_id', contact_id, 'email', email, occurred_at
    from consents
    union all
    select 'contact_id', contact_id, 'email', email, occurred_at
    from activities
    union all
    select 'contact_id', customer_id, 'email', email, ordered_at
    from orders
    union all
    select 'contact_id', customer_id, 'phone', phone, ordered_at
    from orders
    union all
    select 'email', email, 'phone', phone, ordered_at
    from orders
    where customer_id is null
    union all
    select 'contact_id', user_id, 'email', email, occurred_at
    from web_events
    union all
    select 'email', email, 'anonymous_id', tenure_id, occurred_at
    from web_events
    where user_id is null
    union all
    select 'contact_id', user_id, 'anonymous_id', tenure_id, identified_at
    from device_tenures
    {% if is_incremental() %}
    where anonymous_id in (select retenured_devices.anonymous_id from retenured_devices)
    {% endif %}
    union all
    -- An alias of a device is in its tenure already.
    select 'contact_id', web_events.user_id, 'contact_id', web_events.previous_id, web_events.occurred_at
    from web_events
    left join device_tenures
        on web_events.previous_id = device_tenures.anonymous_id
    where web_events.type = 'alias' and device_tenures.anonymous_id is null
    union all
    select 'contact_id', contact_id_a, 'contact_id', contact_id_b, matched_at
    from matched_contacts

),

first_seen as (

    select
        type_a,
        identifier_a,
        type_b,
        identifier_b,
        min(seen_at) as first_seen_at
    from links
    where
        identifier_a is not null
        and identifier_b is not null
        and not (type_a = type_b and identifier_a = identifier_b)
    group by type_a, identifier_a, type_b, identifier_b

),

-- A person's word against a link that the data shows; a device is cut with all its tenures.
allowed as (

    select first_seen.*
    from first_seen
    left join cuts as forth
        on
            first_seen.type_a = forth.type_a
            and first_seen.identifier_a = forth.identifier_a
            and first_seen.type_b = forth.type_b
            and {{ without_tenure('first_seen.type_b', 'first_seen.identifier_b') }} = forth.identifier_b
    left join cuts as back
        on
            first_seen.type_a = back.type_b
            and first_seen.identifier_a = back.identifier_b
            and first_seen.type_b = back.type_a
            and {{ without_tenure('first_seen.type_b', 'first_seen.identifier_b') }} = back.identifier_a
    where forth.type_a is null and back.type_a is null

),

{% if is_incremental() %}
-- A link of a device that changed hands is worked out anew; any other only gets older.
final as (

    select allowed.*, {{ refresh_number() }} as _refresh
    from allowed
    left join {{ this }} as earlier
        on
            allowed.type_a = earlier.type_a
            and allowed.identifier_a = earlier.identifier_a
            and allowed.type_b = earlier.type_b
            and allowed.identifier_b = earlier.identifier_b
            and not (
                earlier.type_b = 'anonymous_id'
                and earlier.identifier_b in (select retenured_devices.tenure_id from retenured_devices)
            )
    where earlier.type_a is null or allowed.first_seen_at < earlier.first_seen_at

)
{% else %}
final as (

    select *, {{ refresh_number() }} as _refresh
    from allowed

)
{% endif %}

select * from final

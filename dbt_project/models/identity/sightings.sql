with links as (

    select * from {{ ref('identifier_links') }}
    {% if is_refresh_incremental() %}
    where _refresh = {{ refresh_number() }}
    {% endif %}

),

contacts as (

    select * from {{ ref('stg_crm__contacts') }}
    {% if is_refresh_incremental() %}
    where {{ is_news('stg_crm__contacts', 'signed_up_at', 'updated_at') }}
    {% endif %}

),

consents as (

    select * from {{ ref('stg_crm__consents') }}
    {% if is_refresh_incremental() %}
    where {{ is_news('stg_crm__consents', 'occurred_at') }}
    {% endif %}

),

activities as (

    select * from {{ ref('stg_crm__activities') }}
    {% if is_refresh_incremental() %}
    where {{ is_news('stg_crm__activities', 'occurred_at') }}
    {% endif %}

),

orders as (

    select * from {{ ref('int_orders') }}
    {% if is_refresh_incremental() %}
    where {{ is_news('int_orders', 'ordered_at') }}
    {% endif %}

),

web_events as (

    select * from {{ ref('web_events') }}
    {% if is_refresh_incremental() %}
    where _refresh = {{ refresh_number() }}
    {% endif %}

),

messages as (

    select * from {{ ref('stg_esp__messages') }}
    {% if is_refresh_incremental() %}
    where {{ is_news('stg_esp__messages', 'sent_at') }}
    {% endif %}

),

esp_events as (

    select * from {{ ref('int_esp_events') }}
    {% if is_refresh_incremental() %}
    where {{ is_news('int_esp_events', 'occurred_at') }}
    {% endif %}

),

seen as (

    select type_a as identifier_type, identifier_a as identifier, first_seen_at as seen_at
    from links
    union all
    select type_b, identifier_b, first_seen_at
    from links
    union all
    select 'contact_id', contact_id, signed_up_at
    from contacts
    union all
    select 'contact_id', contact_id, occurred_at
    from consents
    union all
    select 'email', email, occurred_at
    from consents
    union all
    select 'contact_id', contact_id, occurred_at
    from activities
    union all
    select 'email', email, occurred_at
    from activities
    union all
    select 'contact_id', customer_id, ordered_at
    from orders
    union all
    select 'email', email, ordered_at
    from orders
    union all
    select 'phone', phone, ordered_at
    from orders
    union all
    select identifier_type, identifier, occurred_at
    from web_events
    union all
    select 'anonymous_id', tenure_id, occurred_at
    from web_events
    union all
    select 'email', email, occurred_at
    from web_events
    union all
    select 'email', email, sent_at
    from messages
    union all
    select 'email', email, occurred_at
    from esp_events

),

final as (

    select identifier_type, identifier, min(seen_at) as first_seen_at
    from seen
    where identifier is not null
    group by identifier_type, identifier

)

select * from final

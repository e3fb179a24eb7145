with links as (

    select * from {{ ref('identifier_links') }}

),

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

consents as (

    select * from {{ ref('stg_crm__consents') }}

),

activities as (

    select * from {{ ref('stg_crm__activities') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

web_events as (

    select * from {{ ref('web_events') }}

),

messages as (

    select * from {{ ref('stg_esp__messages') }}

),

esp_events as (

    select * from {{ ref('int_esp_events') }}

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

first_seen as (

    select identifier_type, identifier, min(seen_at) as first_seen_at
    from seen
    where identifier is not null
    group by identifier_type, identifier

),

-- The older an identifier, the smaller its number: a component is named for its oldest.
final as (

    select
        row_number() over (
            order by
                first_seen_at,
                case identifier_type when 'contact_id' then 1 when 'email' then 2 when 'phone' then 3 else 4 end,
                identifier
        ) as node,
        identifier_type,
        identifier,
        first_seen_at
    from first_seen

)

select * from final

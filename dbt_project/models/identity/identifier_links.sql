with contacts as (

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

    select * from {{ ref('int_web_events') }}

),

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
    select 'contact_id', user_id, 'anonymous_id', anonymous_id, occurred_at
    from web_events

),

final as (

    select
        type_a,
        identifier_a,
        type_b,
        identifier_b,
        min(seen_at) as first_seen_at
    from links
    where identifier_a is not null and identifier_b is not null
    group by type_a, identifier_a, type_b, identifier_b

)

select * from final

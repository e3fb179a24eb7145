-- A table of its own: only of a table it is known how few these are, and so that whose they are is looked up by them.
{% if is_refresh_incremental() %}
with consents as (

    select * from {{ ref('stg_crm__consents') }}

),

crm_activities as (

    select * from {{ ref('stg_crm__activities') }}

),

suppressions as (

    select * from {{ ref('stg_sendgrid__suppressions') }}

),

heard_of as (

    select identifier_type, identifier
    from {{ ref('web_events') }}
    where _refresh = {{ refresh_number() }}
    union
    select 'email', email
    from {{ ref('email_events') }}
    where _refresh = {{ refresh_number() }}
    union
    select 'email', email
    from suppressions
    where {{ is_news('suppressions', 'listed_at') }}
    union
    select case when contact_id is null then 'email' else 'contact_id' end, coalesce(contact_id, email)
    from consents
    where {{ is_news('consents', 'occurred_at') }}
    union
    select case when contact_id is null then 'email' else 'contact_id' end, coalesce(contact_id, email)
    from crm_activities
    where {{ is_news('crm_activities', 'occurred_at') }}

),

final as (

    select identifier_type, identifier
    from heard_of
    where identifier is not null

)

select * from final
{% else %}
select
    cast(null as varchar) as identifier_type,
    cast(null as varchar) as identifier
where false
{% endif %}

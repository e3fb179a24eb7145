{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with people as (

    select * from {{ ref('people') }} as people
    {{ only_changed_people('people') }}

),

contacts as (

    select * from {{ ref('contacts') }} as contacts
    {{ only_changed_people('contacts') }}

),

identity_map as (

    {% if is_incremental() -%}
    -- depends_on: {{ ref('identity_map') }}
    select * from {{ ref('changed_identifiers') }}
    {%- else -%}
    select * from {{ ref('identity_map') }}
    {%- endif %}

),

consents as (

    select * from {{ ref('consents') }} as consents
    {{ only_changed_people('consents') }}

),

suppressed_emails as (

    select * from {{ ref('suppressed_emails') }}

),

emails as (

    select
        identity_map.person_id,
        identity_map.identifier as email,
        max(coalesce(contacts.updated_at, contacts.signed_up_at)) as given_at,
        identity_map.first_seen_at
    from identity_map
    left join contacts
        on
            identity_map.identifier = contacts.email
            and identity_map.person_id = contacts.person_id
            and not contacts.is_deleted
    where identity_map.identifier_type = 'email'
    group by identity_map.person_id, identity_map.identifier, identity_map.first_seen_at

),

-- The address that the person gave last; one that only turned up elsewhere comes after.
chosen as (

    select person_id, email
    from emails
    qualify
        row_number() over (
            partition by person_id
            order by given_at desc nulls last, first_seen_at desc, email
        ) = 1

),

-- Whoever complained or left under one address has left under all of them.
suppressed as (

    select
        emails.person_id,
        min(suppressed_emails.reason) as reason,
        min(suppressed_emails.suppressed_at) as suppressed_at
    from emails
    inner join suppressed_emails
        on emails.email = suppressed_emails.email
    group by emails.person_id

),

deleted as (

    select person_id
    from contacts
    group by person_id
    having bool_and(is_deleted)

),

granted as (

    select person_id
    from consents
    where is_granted
    group by person_id

),

final as (

    select
        people.person_id,
        chosen.email,
        suppressed.reason as suppression_reason,
        suppressed.suppressed_at,
        deleted.person_id is not null as is_deleted,
        granted.person_id is not null as has_consent,
        chosen.email is not null
        and suppressed.reason is null
        and deleted.person_id is null
        and granted.person_id is not null as can_email
    from people
    left join chosen on people.person_id = chosen.person_id
    left join suppressed on people.person_id = suppressed.person_id
    left join deleted on people.person_id = deleted.person_id
    left join granted on people.person_id = granted.person_id

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with received as (

    select * from {{ ref('stg_crm__consents') }}

),

identity_map as (

    select * from {{ ref('identity_map') }} as identity_map
    {{ only_changed_people('identity_map') }}

),

found as (

    select identity_map.person_id, received.*
    from received
    inner join identity_map
        on
            coalesce(received.contact_id, received.email) = identity_map.identifier
            and identity_map.identifier_type = case when received.contact_id is null then 'email' else 'contact_id' end

),

-- At the same instant, the withdrawal counts.
final as (

    select
        person_id,
        purpose,
        action = 'granted' as is_granted,
        occurred_at as decided_at,
        source,
        text_version
    from found
    qualify
        row_number() over (
            partition by person_id, purpose
            order by occurred_at desc, action desc, _landed_at desc, _load_id desc, _row desc
        ) = 1

)

select * from final

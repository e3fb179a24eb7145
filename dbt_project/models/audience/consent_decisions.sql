{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with received as (

    select * from {{ ref('stg_crm__consents') }}

),

identity_map as (

    {% if is_incremental() -%}
    -- depends_on: {{ ref('identity_map') }}
    select * from {{ ref('changed_identifiers') }}
    {%- else -%}
    select * from {{ ref('identity_map') }}
    {%- endif %}

),

found as (

    select identity_map.person_id, received.*
    from received
    inner join identity_map
        on
            coalesce(received.contact_id, received.email) = identity_map.identifier
            and identity_map.identifier_type = case when received.contact_id is null then 'email' else 'contact_id' end

),

final as (

    select
        person_id,
        purpose,
        action = 'granted' as is_granted,
        occurred_at as decided_at,
        source,
        text_version,
        _landed_at,
        _load_id,
        _row
    from found

)

select * from final

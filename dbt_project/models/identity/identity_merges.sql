{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'dirty_people', 'matching': {'kept_person_id': 'person_id'}}],
) }}

with identifiers as (

    select * from {{ ref('identifiers') }}

),

identity_map as (

    select * from {{ ref('identity_assignments') }}

),

absorptions as (

    select * from {{ ref('identity_absorptions') }}

),

-- Who had been seen before they were linked to somebody older was a person of their own until then.
final as (

    select
        identity_map.person_id as kept_person_id,
        {{ person_id('identifiers') }} as merged_person_id,
        absorptions.absorbed_at as merged_at,
        identifiers.identifier_type,
        identifiers.identifier
    from absorptions
    inner join identifiers
        on absorptions.node = identifiers.node
    inner join identity_map
        on
            identifiers.identifier_type = identity_map.identifier_type
            and identifiers.identifier = identity_map.identifier
    where absorptions.absorbed_at > identifiers.first_seen_at

)

select * from final

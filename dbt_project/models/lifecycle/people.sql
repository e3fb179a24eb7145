{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with identity_map as (

    select * from {{ ref('identity_map') }} as identity_map
    {{ only_changed_people('identity_map') }}

),

final as (

    select person_id, min(first_seen_at) as arrived_at
    from identity_map
    group by person_id
    having count(*) filter (where identifier_type <> 'anonymous_id') > 0

)

select * from final

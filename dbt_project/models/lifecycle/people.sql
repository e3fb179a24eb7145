{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with identity_map as (

    {% if is_incremental() -%}
    -- depends_on: {{ ref('identity_map') }}
    select * from {{ ref('changed_identifiers') }}
    {%- else -%}
    select * from {{ ref('identity_map') }}
    {%- endif %}

),

final as (

    select person_id, min(first_seen_at) as arrived_at
    from identity_map
    group by person_id
    having count(*) filter (where identifier_type <> 'anonymous_id') > 0

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'dirty_people', 'matching': {'person_id': 'person_id'}}],
) }}

with assignments as (

    select * from {{ ref('identity_assignments') }}

),

final as (

    select identifier_type, identifier, person_id, first_seen_at
    from assignments

)

select * from final
{% if is_incremental() -%}
-- depends_on: {{ ref('moved_people') }}
{%- endif %}

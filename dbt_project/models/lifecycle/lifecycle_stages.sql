{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with transitions as (

    select * from {{ ref('lifecycle_transitions') }} as transitions
    {{ only_changed_people('transitions') }}

),

final as (

    select
        person_id,
        to_stage as lifecycle_stage,
        changed_at as stage_since
    from transitions
    qualify row_number() over (partition by person_id order by changed_at desc) = 1

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with timeline as (

    select * from {{ ref('lifecycle_timeline') }} as timeline
    {{ only_changed_people('timeline') }}

),

final as (

    select person_id, from_stage, to_stage, changed_at
    from timeline
    where changed_at <= {{ as_of() }}

)

select * from final

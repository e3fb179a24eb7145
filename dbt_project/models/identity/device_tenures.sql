{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'retenured_devices', 'matching': {'anonymous_id': 'anonymous_id'}}],
) }}

with candidates as (

    select * from {{ ref('candidate_tenures') }}

),

final as (

    select candidates.*
    from candidates
    {% if is_incremental() %}
    where candidates.anonymous_id in (select anonymous_id from {{ ref('retenured_devices') }})
    {% endif %}

)

select * from final

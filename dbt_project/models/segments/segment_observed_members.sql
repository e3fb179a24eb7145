{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'people_with_observations', 'matching': {'person_id': 'person_id'}}],
) }}

with observed as (

    select * from {{ ref('segment_observed_changes') }}
    {%- if is_incremental() %}
    where person_id in (select people.person_id from {{ ref('people_with_observations') }} as people)
    {%- endif %}

),

final as (

    select segment, person_id, changed_at as member_since
    from observed
    qualify
        row_number() over (partition by segment, person_id order by changed_at desc) = 1
        and change = 'entered'

)

select * from final

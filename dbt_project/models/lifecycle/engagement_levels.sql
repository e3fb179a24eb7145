{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with people as (

    select * from {{ ref('people') }} as people
    {{ only_changed_people('people') }}

),

activity as (

    select * from {{ ref('activity') }} as activity
    {{ only_changed_people('activity') }}

),

counted as (

    select
        person_id,
        count(*) filter (where occurred_at > {{ ago(var('engaged_days')) }}) as recent_acts_count,
        max(occurred_at) as last_engaged_at
    from activity
    where is_engagement
    group by person_id

),

final as (

    select
        people.person_id,
        case
            when counted.recent_acts_count >= {{ var('engaged_acts') }} then 'highly_engaged'
            when counted.last_engaged_at > {{ ago(var('active_days')) }} then 'active'
            else 'dormant'
        end as engagement_level,
        coalesce(counted.recent_acts_count, 0) as recent_acts_count
    from people
    left join counted
        on people.person_id = counted.person_id

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

-- A person's rows hang on that person's rows of the inputs alone.
with people as {{ read_anew() }} (

    select * from {{ ref('people') }} as people
    {{ only_changed_people('people') }}

),

activity as (

    select * from {{ ref('activity') }} as activity
    {{ only_changed_people('activity') }}

),

orders as (

    select * from {{ ref('orders') }} as orders
    {{ only_changed_people('orders') }}

),

stages as (

    {{ lifecycle_rules() }}

),

compared as (

    select
        stages.person_id,
        lag(stages.stage) over (partition by stages.person_id order by stages.changed_at) as from_stage,
        stages.stage as to_stage,
        stages.changed_at
    from stages
    inner join people
        on stages.person_id = people.person_id

),

final as (

    select person_id, from_stage, to_stage, changed_at
    from compared
    where from_stage is distinct from to_stage

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
    meta={'hangs_on_time': true},
) }}

with members as (

    select * from {{ ref('segment_members') }} as members
    {{ only_changed_people('members') }}

),

observed as (

    select * from {{ ref('segment_observed_members') }}

),

-- Whom no build saw there before has entered in this one.
final as (

    select
        members.segment,
        members.person_id,
        coalesce(observed.member_since, {{ as_of() }}) as member_since
    from members
    left join observed
        on
            members.segment = observed.segment
            and members.person_id = observed.person_id

)

select * from final

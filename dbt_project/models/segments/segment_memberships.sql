{{ config(materialized='table') }}

with members as (

    select * from {{ ref('segment_members') }}

),

transitions as (

    select * from {{ ref('segment_transitions') }}

),

last_entries as (

    select segment, person_id, max(changed_at) as entered_at
    from transitions
    where change = 'entered'
    group by segment, person_id

),

final as (

    select
        members.segment,
        members.person_id,
        last_entries.entered_at as member_since
    from members
    left join last_entries
        on
            members.segment = last_entries.segment
            and members.person_id = last_entries.person_id

)

select * from final

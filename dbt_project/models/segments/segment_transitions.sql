{{ config(materialized='table') }}

with observed as (

    select * from {{ ref('segment_observed_changes') }}

),

members as (

    select * from {{ ref('segment_members') }}

),

last_members as (

    select segment, person_id
    from observed
    qualify
        row_number() over (partition by segment, person_id order by changed_at desc) = 1
        and change = 'entered'

),

-- What this build sees that none before it saw happened at its instant, as far as anybody can know.
seen_now as (

    select
        coalesce(members.segment, last_members.segment) as segment,
        coalesce(members.person_id, last_members.person_id) as person_id,
        case when last_members.person_id is null then 'entered' else 'exited' end as change,
        {{ as_of() }} as changed_at
    from members
    full outer join last_members
        on
            members.segment = last_members.segment
            and members.person_id = last_members.person_id
    where members.person_id is null or last_members.person_id is null

),

final as (

    select segment, person_id, change, changed_at
    from observed
    union all
    select segment, person_id, change, changed_at
    from seen_now

)

select * from final

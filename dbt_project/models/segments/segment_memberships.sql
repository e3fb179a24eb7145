{{ config(materialized='view') }}

with observed as not materialized (

    select * from {{ ref('segment_observed_members') }}

),

entered as (

    select * from {{ ref('segment_changes_now') }}
    where change = 'entered'

),

exited as (

    select * from {{ ref('segment_changes_now') }}
    where change = 'exited'

),

stayed as (

    select observed.segment, observed.person_id, observed.member_since
    from observed
    anti join exited
        on
            observed.person_id = exited.person_id
            and {{ also_equal('observed.segment', 'exited.segment') }}

),

-- Whom no build saw there before has entered in this one. What was noted of a build that broke off is not told twice.
final as (

    select segment, person_id, member_since
    from stayed
    union all
    select entered.segment, entered.person_id, entered.changed_at as member_since
    from entered
    anti join observed
        on
            entered.person_id = observed.person_id
            and {{ also_equal('entered.segment', 'observed.segment') }}

)

select * from final

{{ config(materialized='view') }}

with campaigns as (

    select * from {{ source('raw', 'campaigns') }}

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

deferrals as (

    select * from {{ ref('stg_outbox__deferrals') }}

),

journey_steps as (

    select * from {{ ref('journey_steps_taken') }}

),

present as (

    select campaign, occurrence, purpose, priority, holdout_share
    from campaigns
    where role = 'include'
    group by all

),

reached as (

    select campaigns.campaign, memberships.person_id, min(memberships.segment) as segment
    from campaigns
    inner join memberships
        on campaigns.segment = memberships.segment
    where campaigns.role = 'include'
    group by campaigns.campaign, memberships.person_id

),

-- An occurrence that is over lives on in what was put off of it; for a week one sees what came of that.
carried_over as (

    select deferrals.message_id, deferrals.campaign, deferrals.occurrence, deferrals.person_id
    from deferrals
    inner join present
        on deferrals.campaign = present.campaign and deferrals.occurrence <> present.occurrence
    where deferrals.expires_at > {{ ago(7) }}

),

final as (

    select
        {{ message_id('reached.campaign', 'present.occurrence', 'reached.person_id') }} as message_id,
        reached.campaign,
        present.occurrence,
        present.occurrence as present_occurrence,
        present.purpose,
        present.priority,
        present.holdout_share,
        reached.person_id,
        reached.segment
    from reached
    inner join present
        on reached.campaign = present.campaign
    union all by name
    select
        carried_over.message_id,
        reached.campaign,
        carried_over.occurrence,
        present.occurrence as present_occurrence,
        present.purpose,
        present.priority,
        present.holdout_share,
        reached.person_id,
        reached.segment
    from carried_over
    inner join reached
        on carried_over.campaign = reached.campaign and carried_over.person_id = reached.person_id
    inner join present
        on carried_over.campaign = present.campaign
    union all by name
    select
        message_id,
        campaign,
        occurrence,
        occurrence as present_occurrence,
        purpose,
        priority,
        holdout_share,
        person_id,
        journey,
        step,
        reason as step_reason,
        due_at as step_due_at,
        deadline_at as step_deadline_at
    from journey_steps
    where is_candidate

)

select * from final

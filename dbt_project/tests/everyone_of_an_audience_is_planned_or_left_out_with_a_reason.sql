{{ config(meta={'dagster': {'ref': {'name': 'exclusions'}}}) }}
-- By campaign and occurrence, the audience is the planned, those to be planned, and those left out for a reason.
with audience as (

    select campaigns.campaign, campaigns.occurrence, memberships.person_id
    from {{ source('raw', 'campaigns') }} as campaigns
    inner join {{ ref('segment_memberships') }} as memberships
        on campaigns.segment = memberships.segment
    where campaigns.role = 'include'
    union
    select campaign, occurrence, person_id
    from {{ ref('journey_steps_taken') }}
    where is_candidate

),

accounted as (

    select campaign, occurrence, person_id
    from {{ ref('exclusions') }}
    union all
    select campaign, occurrence, person_id
    from {{ ref('message_candidates') }}
    where exclusion_reason is null

),

audience_counts as (

    select campaign, occurrence, count(*) as people_count
    from audience
    group by campaign, occurrence

),

accounted_counts as (

    select accounted.campaign, accounted.occurrence, count(*) as people_count
    from accounted
    inner join audience_counts
        on accounted.campaign = audience_counts.campaign and accounted.occurrence = audience_counts.occurrence
    group by accounted.campaign, accounted.occurrence

)

select audience_counts.campaign, audience_counts.occurrence
from audience_counts
left join accounted_counts
    on audience_counts.campaign = accounted_counts.campaign and audience_counts.occurrence = accounted_counts.occurrence
where audience_counts.people_count is distinct from accounted_counts.people_count

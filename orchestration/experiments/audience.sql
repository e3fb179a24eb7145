-- Whom the campaign would write to or hold out today, and how many such people come into its segments each day.
with candidates as (
    select
        person_id,
        -- Who is paused, capped or waits for the warm-up gets it a little later.
        bool_or(coalesce(exclusion_reason, '') in ('', 'campaign_holdout', 'paused', 'capped', 'warm_up')) as is_reached,
    from core.message_candidates
    where campaign = ? and (occurrence = ? or journey is not null)
    group by person_id
),

reached as (
    select count(*) filter (where is_reached) as people, count(*) as audience,
    from candidates
),

times as (
    select cast(? as timestamp) as as_of, cast(? as int) as days,
),

entered as (
    select count(distinct transitions.person_id) as people,
    from core.segment_transitions as transitions
    inner join raw.campaigns as campaigns
        on transitions.segment = campaigns.segment and campaigns.role = 'include'
    cross join times
    where
        campaigns.campaign = ?
        and transitions.change = 'entered'
        and transitions.changed_at > times.as_of - to_days(times.days)
        and transitions.changed_at <= times.as_of
)

select
    reached.people,
    -- Of those who come, as many can be written to as of those who are there.
    coalesce(entered.people / times.days * reached.people / nullif(reached.audience, 0), 0) as people_per_day,
from reached
cross join entered
cross join times

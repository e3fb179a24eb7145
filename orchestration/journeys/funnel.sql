-- One row per journey and step, step 0 the whole: its counts, and why entries were skipped there or ended.
with left_out as (
    select journey, step, reason, count(*) as entries_count,
    from core.journey_steps_taken
    where state = 'skipped'
    group by all
    union all
    select journey, null, exit_reason, count(*),
    from core.journey_entries
    where exit_reason is not null
    group by all
),

listed as (
    select
        journey,
        step,
        list({'reason': reason, 'entries': entries_count} order by entries_count desc, reason) as reasons,
    from left_out
    group by journey, step
),

entry_rules as (
    select
        journey,
        list(trim(kind || ' ' || value) order by kind, value) filter (role = 'entry') as entry,
        list(trim(kind || ' ' || value) order by kind, value) filter (role = 'goal') as goal,
    from raw.journey_rules
    group by journey
)

select
    funnel.*,
    journeys.title,
    journeys.reentry,
    journeys.reentry_seconds,
    entry_rules.entry,
    entry_rules.goal,
    steps.wait_seconds,
    listed.reasons,
from core.journey_funnel as funnel
inner join raw.journeys as journeys on funnel.journey = journeys.journey
inner join entry_rules on funnel.journey = entry_rules.journey
left join raw.journey_steps as steps on funnel.journey = steps.journey and funnel.step = steps.step
left join listed on funnel.journey = listed.journey and funnel.step is not distinct from listed.step
order by funnel.journey, funnel.step_number

-- One row per campaign and segment that it, or a journey that sends it, asks for and that could not be refreshed.
with named as (
    select campaign, segment
    from raw.campaigns
    where segment is not null
    union
    select steps.campaign, rules.value
    from raw.journey_steps as steps
    inner join raw.journey_rules as rules on steps.journey = rules.journey
    where rules.kind in ('segment_entered', 'segment_left')
    union
    select steps.campaign, conditions.value
    from raw.journey_steps as steps
    inner join raw.journey_conditions as conditions on steps.journey = conditions.journey
    where conditions.kind = 'in_segment'
)

select
    named.campaign,
    named.segment as cause,
    'who is in the segment ' || named.segment || ' is not known: it could not be refreshed' as reason,
from named
inner join core.segment_refreshes as refreshes on named.segment = refreshes.segment and not refreshes.is_refreshed

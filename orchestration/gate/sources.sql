-- One row per campaign and source whose newest record is older than its limit to fail: everybody's profile is made of it.
select
    campaigns.campaign,
    freshness.entity as cause,
    'the newest record of ' || freshness.entity || ' is ' || round(freshness.age_days, 1) || ' days old, and may be '
    || freshness.fail_above_days || ' (freshness_limits)' as reason,
from (select distinct campaign from raw.campaigns) as campaigns
cross join quality.freshness as freshness
where freshness.level = 'fail'

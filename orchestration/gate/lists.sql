-- One row per campaign and list of people's wishes, of those that there are, that is older than its limit in days.
with lists as (
    select 'consents' as list, min(age_days) as age_days, ?::double as limit_days,
    from quality.freshness
    where entity = 'crm_consents' and rows_count > 0
    union all
    select 'suppressions' as list, min(age_days) as age_days, ?::double as limit_days,
    from quality.freshness
    where entity in ('esp_events', 'sendgrid_events', 'mailchimp_events') and rows_count > 0
)

select
    campaigns.campaign,
    lists.list as cause,
    'the newest of the ' || lists.list || ' is ' || round(lists.age_days, 1) || ' days old, and may be '
    || lists.limit_days || ' (gate_' || lists.list || '_days)' as reason,
from (select distinct campaign from raw.campaigns) as campaigns
cross join lists
where lists.age_days > lists.limit_days

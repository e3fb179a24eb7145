-- One row per campaign whose audience is far from that of its earlier occurrences, hold-outs counted in.
with earlier as (
    select
        messages.campaign,
        messages.occurrence,
        count(*) as people_count,
        row_number() over (partition by messages.campaign order by min(messages.planned_at) desc) as back,
    from staging.stg_outbox__messages as messages
    inner join (select distinct campaign, occurrence from raw.campaigns) as present
        on messages.campaign = present.campaign and messages.occurrence <> present.occurrence
    where messages.occurrence not like '%:%:%' and messages.error is distinct from 'cancelled'
    group by messages.campaign, messages.occurrence
),

usual as (
    select campaign, min(people_count) as least, max(people_count) as most, count(*) as occurrences_count,
    from earlier
    where back <= 12
    group by campaign
),

audience as (
    select
        campaign,
        occurrence,
        count(*) filter (where exclusion_reason is null or is_holdout or is_deferred) as people_count,
    from core.message_candidates
    where not is_carried_over and journey is null
    group by campaign, occurrence
),

limits as (
    select ?::bigint as occurrences_count, ?::double as factor, ?::bigint as people_count
)

select
    usual.campaign,
    coalesce(audience.occurrence, 'nobody') as cause,
    coalesce(audience.people_count, 0) || ' people would get it, and its last ' || least(usual.occurrences_count, 12)
    || ' occurrences were for ' || usual.least || ' to ' || usual.most || ' (gate_audience_factor)' as reason,
from usual
cross join limits
left join audience on usual.campaign = audience.campaign
where
    usual.occurrences_count >= limits.occurrences_count
    and (
        (
            coalesce(audience.people_count, 0) > usual.most * limits.factor
            and audience.people_count - usual.most >= limits.people_count
        )
        or (
            coalesce(audience.people_count, 0) < usual.least / limits.factor
            and usual.least - coalesce(audience.people_count, 0) >= limits.people_count
        )
    )

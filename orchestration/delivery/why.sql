-- One row per campaign's occurrence that concerns the person behind the address, and per campaign that does not.
with person as (
    select person_id
    from core.identity_map
    where identifier_type = 'email' and identifier = nullif(lower(trim(?)), '')
),

candidates as (
    select candidates.*
    from core.message_candidates as candidates
    inner join person on candidates.person_id = person.person_id
),

messages as (
    select messages.*
    from delivery.messages as messages
    inner join person on messages.person_id = person.person_id
),

concerned as (
    select
        coalesce(messages.campaign, candidates.campaign) as campaign,
        coalesce(messages.occurrence, candidates.occurrence) as occurrence,
        coalesce(messages.message_id, candidates.message_id) as message_id,
        coalesce(messages.variant, candidates.variant) as variant,
        messages.state,
        messages.accepted_at,
        messages.error,
        candidates.segment,
        candidates.exclusion_reason as reason,
        candidates.exclusion_detail as detail,
    from messages
    full outer join candidates on messages.message_id = candidates.message_id
),

chosen as (
    select message_id, list({'slot': slot, 'choice': choice, 'rule': rule} order by slot) as decisions,
    from delivery.decisions
    group by message_id
)

select
    campaigns.campaign,
    coalesce(concerned.occurrence, campaigns.occurrence) as occurrence,
    concerned.* exclude (campaign, occurrence),
    case when concerned.occurrence like '%:%:%' then split_part(concerned.occurrence, ':', 1) end as journey,
    case when concerned.occurrence like '%:%:%' then split_part(concerned.occurrence, ':', 2) end as step,
    chosen.decisions,
from person
cross join (select distinct campaign, occurrence from raw.campaigns) as campaigns
left join concerned on campaigns.campaign = concerned.campaign
left join chosen on concerned.message_id = chosen.message_id
where ?::varchar is null or campaigns.campaign = ?
order by campaign, occurrence

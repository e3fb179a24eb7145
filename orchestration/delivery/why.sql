-- One row per campaign's occurrence that concerns the person behind the address.
with person as (
    select person_id
    from core.identity_map
    where identifier_type = 'email' and identifier = nullif(lower(trim(?)), '')
),

chosen as (
    select message_id, list({'slot': slot, 'choice': choice, 'rule': rule} order by slot) as decisions,
    from delivery.decisions
    group by message_id
)

select
    coalesce(messages.campaign, candidates.campaign, exclusions.campaign, campaigns.campaign) as campaign,
    coalesce(messages.occurrence, candidates.occurrence, campaigns.occurrence) as occurrence,
    coalesce(messages.message_id, candidates.message_id) as message_id,
    coalesce(messages.variant, candidates.variant) as variant,
    messages.state,
    messages.accepted_at,
    messages.error,
    candidates.segment,
    exclusions.reason,
    exclusions.detail,
    chosen.decisions,
from person
cross join (select distinct campaign, occurrence from raw.campaigns) as campaigns
left join core.message_candidates as candidates
    on person.person_id = candidates.person_id and campaigns.campaign = candidates.campaign
left join delivery.messages as messages
    on person.person_id = messages.person_id and campaigns.campaign = messages.campaign
left join delivery.exclusions as exclusions
    on person.person_id = exclusions.person_id and campaigns.campaign = exclusions.campaign
left join chosen on messages.message_id = chosen.message_id
where ?::varchar is null or campaigns.campaign = ?
order by campaign, occurrence

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
        candidates.is_deferred,
        candidates.not_before as candidate_not_before,
        candidates.expires_at as candidate_expires_at,
    from messages
    full outer join candidates on messages.message_id = candidates.message_id
),

-- When a message may leave, and until when: as it was planned, else as it would be now.
waiting as (
    select message_id, not_before, expires_at,
    from staging.stg_outbox__handovers
),

held as (
    select campaign, string_agg(reason, '; ' order by check_name, cause) as held_because,
    from delivery.gate
    where is_held
    group by campaign
),

chosen as (
    select message_id, list({'slot': slot, 'choice': choice, 'rule': rule} order by slot) as decisions,
    from delivery.decisions
    group by message_id
)

select
    campaigns.campaign,
    coalesce(concerned.occurrence, campaigns.occurrence) as occurrence,
    concerned.* exclude (campaign, occurrence, candidate_not_before, candidate_expires_at),
    case when waiting.message_id is null then concerned.candidate_not_before else waiting.not_before end as not_before,
    case when waiting.message_id is null then concerned.candidate_expires_at else waiting.expires_at end as expires_at,
    held.held_because,
    (
        select model_version
        from ml.churn_predictions as predictions
        where predictions.person_id = person.person_id
    ) as churn_version,
    case when concerned.occurrence like '%:%:%' then split_part(concerned.occurrence, ':', 1) end as journey,
    case when concerned.occurrence like '%:%:%' then split_part(concerned.occurrence, ':', 2) end as step,
    chosen.decisions,
from person
cross join (select distinct campaign, occurrence from raw.campaigns) as campaigns
left join concerned on campaigns.campaign = concerned.campaign
left join waiting on concerned.message_id = waiting.message_id
left join held on campaigns.campaign = held.campaign
left join chosen on concerned.message_id = chosen.message_id
where ?::varchar is null or campaigns.campaign = ?
order by campaign, occurrence

with open_steps as (

    select * from {{ ref('journey_open_steps') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

contactability as (

    select * from {{ ref('contactability') }} as contactability
    {{ only_changed_journeys('contactability') }}

),

identity_map as (

    select * from {{ ref('identity_map') }} as identity_map
    {{ only_changed_journeys('identity_map') }}

),

decisions as (

    select * from {{ ref('consent_decisions') }} as decisions
    {{ only_changed_journeys('decisions') }}

),

addresses as (

    select person_id, min(first_seen_at) as first_seen_at
    from identity_map
    where identifier_type = 'email'
    group by person_id

),

-- Consent must hold when a step is due and until it is sent; at one instant the withdrawal counts.
consents as (

    select
        open_steps.entry_key,
        open_steps.step_number,
        coalesce(
            max(decisions.decided_at) filter (where decisions.is_granted and decisions.decided_at <= open_steps.due_at)
            > coalesce(
                max(decisions.decided_at) filter (where not decisions.is_granted and decisions.decided_at <= open_steps.due_at),
                timestamp '0001-01-01 00:00:00'
            ),
            false
        ) as is_granted,
        min(decisions.decided_at) filter (where not decisions.is_granted and decisions.decided_at > open_steps.due_at) as withdrawn_at
    from open_steps
    inner join schedule
        on open_steps.journey = schedule.journey and open_steps.step_number = schedule.step_number
    inner join decisions
        on open_steps.person_id = decisions.person_id and schedule.purpose = decisions.purpose
    group by open_steps.entry_key, open_steps.step_number

),

gates as (

    select
        open_steps.entry_key,
        open_steps.step_number,
        open_steps.due_at,
        schedule.purpose,
        consents.withdrawn_at,
        contactability.suppressed_at,
        contactability.suppression_reason,
        case
            when contactability.is_deleted then 'deleted'
            when coalesce(addresses.first_seen_at > open_steps.due_at, true) then 'no_address'
            when contactability.suppressed_at <= open_steps.due_at then 'suppressed'
            when not coalesce(consents.is_granted, false) then 'no_consent'
            when {{ is_global_holdout('open_steps.person_id') }} then 'global_holdout'
            when {{ is_campaign_holdout('schedule.campaign', 'open_steps.person_id', 'schedule.holdout_share') }} then 'campaign_holdout'
        end as reason_when_due
    from open_steps
    inner join schedule
        on open_steps.journey = schedule.journey and open_steps.step_number = schedule.step_number
    left join consents
        on open_steps.entry_key = consents.entry_key and open_steps.step_number = consents.step_number
    left join addresses
        on open_steps.person_id = addresses.person_id
    left join contactability
        on open_steps.person_id = contactability.person_id

),

gated as (

    select
        entry_key,
        step_number,
        case
            when reason_when_due is not null then reason_when_due
            when coalesce(suppressed_at <= withdrawn_at, suppressed_at is not null) then 'suppressed'
            when withdrawn_at is not null then 'no_consent'
        end as gate_reason,
        case
            when reason_when_due is not null then due_at
            when coalesce(suppressed_at <= withdrawn_at, suppressed_at is not null) then suppressed_at
            else withdrawn_at
        end as gated_at,
        suppression_reason,
        purpose
    from gates

),

final as (

    select
        entry_key,
        step_number,
        gate_reason,
        gated_at,
        case gate_reason
            when 'suppressed' then suppression_reason
            when 'no_consent' then purpose
        end as gate_detail
    from gated
    where gate_reason is not null

)

select * from final

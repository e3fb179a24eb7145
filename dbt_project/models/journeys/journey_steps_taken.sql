with entries as (

    select * from {{ ref('journey_entries') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

conditions as (

    select * from {{ source('raw', 'journey_conditions') }}

),

states as (

    select * from {{ ref('journey_states') }}

),

signals as (

    select * from {{ ref('journey_signals') }}

),

messages as (

    select * from {{ ref('journey_entry_messages') }}

),

contactability as (

    select * from {{ ref('contactability') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

decisions as (

    select * from {{ ref('consent_decisions') }}

),

planned as (

    select
        entries.journey,
        entries.person_id,
        entries.entry_number,
        entries.entered_at,
        entries.exited_at,
        entries.exit_reason,
        entries.exit_step,
        schedule.step,
        schedule.step_number,
        schedule.campaign,
        schedule.purpose,
        schedule.priority,
        schedule.holdout_share,
        schedule.offset_seconds,
        schedule.at_most_late_seconds,
        messages.message_id as known_message_id,
        messages.state as message_state,
        messages.planned_at,
        case
            when messages.state <> 'held_out'
                then {{ plus_seconds('messages.planned_at', '-schedule.offset_seconds') }}
        end as counted_from_at
    from entries
    inner join schedule
        on entries.journey = schedule.journey
    left join messages
        on
            entries.journey = messages.journey
            and entries.person_id = messages.person_id
            and entries.entered_at = messages.entered_at
            and schedule.step = messages.step

),

-- Waits count from the last message before, and through steps without one.
timed as (

    select
        *,
        {{ plus_seconds('coalesce(last_value(counted_from_at ignore nulls) over earlier, entered_at)', 'offset_seconds') }} as due_at,
        coalesce(count(known_message_id) over later, 0) > 0 as is_overtaken
    from planned
    window
        earlier as (
            partition by journey, person_id, entered_at
            order by step_number
            rows between unbounded preceding and 1 preceding
        ),
        later as (
            partition by journey, person_id, entered_at
            order by step_number
            rows between 1 following and unbounded following
        )

),

open_steps as (

    select
        journey, person_id, entered_at, step, campaign, purpose, holdout_share, due_at,
        {{ plus_seconds('due_at', 'at_most_late_seconds') }} as deadline_at
    from timed
    where
        known_message_id is null
        and due_at <= {{ as_of() }}
        and coalesce(due_at < exited_at or (exit_reason = 'condition' and exit_step = step), true)

),

refused as (

    {{ failed_conditions('open_steps') }}

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
        open_steps.journey,
        open_steps.person_id,
        open_steps.entered_at,
        open_steps.step,
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
    inner join decisions
        on open_steps.person_id = decisions.person_id and open_steps.purpose = decisions.purpose
    group by open_steps.journey, open_steps.person_id, open_steps.entered_at, open_steps.step

),

gates as (

    select
        open_steps.*,
        refused.failed_condition,
        consents.withdrawn_at,
        contactability.suppressed_at,
        contactability.suppression_reason,
        case
            when contactability.is_deleted then 'deleted'
            when coalesce(addresses.first_seen_at > open_steps.due_at, true) then 'no_address'
            when contactability.suppressed_at <= open_steps.due_at then 'suppressed'
            when not coalesce(consents.is_granted, false) then 'no_consent'
            when {{ is_global_holdout('open_steps.person_id') }} then 'global_holdout'
            when {{ is_campaign_holdout('open_steps.campaign', 'open_steps.person_id', 'open_steps.holdout_share') }} then 'campaign_holdout'
        end as reason_when_due
    from open_steps
    left join refused
        on
            open_steps.journey = refused.journey
            and open_steps.person_id = refused.person_id
            and open_steps.entered_at = refused.entered_at
            and open_steps.step = refused.step
    left join consents
        on
            open_steps.journey = consents.journey
            and open_steps.person_id = consents.person_id
            and open_steps.entered_at = consents.entered_at
            and open_steps.step = consents.step
    left join addresses
        on open_steps.person_id = addresses.person_id
    left join contactability
        on open_steps.person_id = contactability.person_id

),

gated as (

    select
        *,
        case
            when reason_when_due is not null then reason_when_due
            when coalesce(suppressed_at <= withdrawn_at, suppressed_at is not null) then 'suppressed'
            when withdrawn_at is not null then 'no_consent'
        end as gate_reason,
        case
            when reason_when_due is not null then due_at
            when coalesce(suppressed_at <= withdrawn_at, suppressed_at is not null) then suppressed_at
            else withdrawn_at
        end as gated_at
    from gates

),

-- Of an exit, a gate and the last instant to send, the first one decides; at one instant the exit does.
judged as (

    select
        timed.*,
        gated.deadline_at,
        gated.failed_condition,
        gated.suppression_reason,
        case
            when timed.message_state in ('held_out', 'rejected') then 'skipped'
            when timed.known_message_id is not null then 'sent'
            when gated.step is null and timed.exited_at <= timed.due_at then 'exited'
            when timed.due_at > {{ as_of() }} then 'waiting'
            when gated.failed_condition is not null then 'skipped'
            when
                gated.gated_at <= gated.deadline_at
                and coalesce(gated.gated_at < timed.exited_at, true)
                then 'skipped'
            when timed.exited_at <= gated.deadline_at and timed.exit_reason <> 'completed' then 'exited'
            when gated.deadline_at < {{ as_of() }} then 'skipped'
            when timed.exited_at is not null then 'exited'
            when timed.is_overtaken then 'skipped'
            else 'due'
        end as verdict,
        case
            when timed.message_state = 'rejected' then 'rejected'
            when timed.message_state = 'held_out'
                then case when {{ is_global_holdout('timed.person_id') }} then 'global_holdout' else 'campaign_holdout' end
            when timed.known_message_id is not null then null
            when gated.step is null and timed.exited_at <= timed.due_at then timed.exit_reason
            when timed.due_at > {{ as_of() }} then null
            when gated.failed_condition is not null then 'condition'
            when
                gated.gated_at <= gated.deadline_at
                and coalesce(gated.gated_at < timed.exited_at, true)
                then gated.gate_reason
            when timed.exited_at <= gated.deadline_at and timed.exit_reason <> 'completed' then timed.exit_reason
            when gated.deadline_at < {{ as_of() }} then 'too_late'
            when timed.exited_at is not null then timed.exit_reason
            when timed.is_overtaken then 'overtaken'
        end as reason,
        gated.gated_at
    from timed
    left join gated
        on
            timed.journey = gated.journey
            and timed.person_id = gated.person_id
            and timed.entered_at = gated.entered_at
            and timed.step = gated.step

),

-- Behind a step that is about to be sent everything waits, and counts from its sending.
in_order as (

    select
        *,
        first_value(case when verdict = 'due' then offset_seconds end ignore nulls) over (
            partition by journey, person_id, entered_at
            order by step_number
            rows between unbounded preceding and 1 preceding
        ) as due_offset_seconds
    from judged

),

final as (

    select
        journey,
        person_id,
        entry_number,
        entered_at,
        step,
        step_number,
        campaign,
        purpose,
        priority,
        holdout_share,
        {{ journey_occurrence('journey', 'step', 'entered_at') }} as occurrence,
        coalesce(
            known_message_id,
            md5(campaign || '|' || {{ journey_occurrence('journey', 'step', 'entered_at') }} || '|' || person_id)
        ) as message_id,
        case
            when due_offset_seconds is null then due_at
            else {{ plus_seconds(as_of(), 'offset_seconds - due_offset_seconds') }}
        end as due_at,
        case when due_offset_seconds is null then verdict else 'waiting' end as state,
        case when due_offset_seconds is null then reason end as reason,
        case
            when due_offset_seconds is not null then null
            when reason = 'condition' then failed_condition
            when reason = 'suppressed' and verdict = 'skipped' then suppression_reason
            when reason = 'no_consent' then purpose
        end as reason_detail,
        case
            when due_offset_seconds is not null or verdict in ('waiting', 'due') then null
            when verdict = 'sent' or reason = 'rejected' then planned_at
            when verdict = 'exited' then exited_at
            when reason = 'too_late' then deadline_at
            when gated_at > due_at and reason in ('suppressed', 'no_consent') then gated_at
            else due_at
        end as decided_at,
        coalesce(
            due_offset_seconds is null
            and known_message_id is null
            and exited_at is null
            and deadline_at >= {{ as_of() }}
            and (verdict = 'due' or reason in ({{ journey_gates() }})),
            false
        ) as is_candidate
    from in_order

)

select * from final

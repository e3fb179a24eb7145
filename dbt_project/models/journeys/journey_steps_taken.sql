{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_journeys', 'matching': {'person_id': 'person_id'}}],
) }}

with judged as (

    select * from {{ ref('journey_step_verdicts') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

-- Behind a step that is about to be sent everything waits, and counts from its sending.
first_due as (

    select judged.entry_key, judged.step_number, schedule.offset_seconds
    from judged
    inner join schedule
        on judged.journey = schedule.journey and judged.step_number = schedule.step_number
    where judged.verdict = 'due'
    qualify row_number() over (partition by judged.entry_key order by judged.step_number) = 1

),

in_order as (

    select
        judged.*,
        case
            when judged.step_number > first_due.step_number then first_due.offset_seconds
        end as due_offset_seconds
    from judged
    left join first_due
        on judged.entry_key = first_due.entry_key

),

final as (

    select
        in_order.journey,
        in_order.person_id,
        in_order.entered_at,
        in_order.step,
        in_order.step_number,
        schedule.campaign,
        schedule.purpose,
        schedule.priority,
        schedule.holdout_share,
        {{ journey_occurrence('in_order.journey', 'in_order.step', 'in_order.entered_at') }} as occurrence,
        coalesce(
            in_order.known_message_id,
            md5(
                schedule.campaign || '|'
                || {{ journey_occurrence('in_order.journey', 'in_order.step', 'in_order.entered_at') }}
                || '|' || in_order.person_id
            )
        ) as message_id,
        case
            when in_order.due_offset_seconds is null then in_order.due_at
            else {{ plus_seconds(as_of(), 'schedule.offset_seconds - in_order.due_offset_seconds') }}
        end as due_at,
        in_order.deadline_at,
        case
            when in_order.due_offset_seconds is not null then 'waiting'
            when in_order.verdict in ('sent', 'exited', 'waiting', 'due') then in_order.verdict
            else 'skipped'
        end as state,
        case
            when in_order.due_offset_seconds is not null then null
            when in_order.message_state = 'rejected' then 'rejected'
            when in_order.message_state = 'held_out'
                then case when {{ is_global_holdout('in_order.person_id') }} then 'global_holdout' else 'campaign_holdout' end
            when in_order.verdict = 'exited' then in_order.exit_reason
            when in_order.verdict = 'gate' then in_order.gate_reason
            when in_order.verdict in ('condition', 'too_late', 'overtaken') then in_order.verdict
        end as reason,
        case
            when in_order.due_offset_seconds is not null then null
            when in_order.verdict = 'condition' then in_order.failed_condition
            when in_order.verdict = 'gate' then in_order.gate_detail
        end as reason_detail,
        case
            when in_order.due_offset_seconds is not null or in_order.verdict in ('waiting', 'due') then null
            when in_order.verdict = 'sent' or in_order.message_state = 'rejected' then in_order.planned_at
            when in_order.verdict = 'exited' then in_order.exited_at
            when in_order.verdict = 'too_late' then in_order.deadline_at
            when in_order.verdict = 'gate' then in_order.gated_at
            else in_order.due_at
        end as decided_at,
        coalesce(
            in_order.due_offset_seconds is null
            and in_order.exited_at is null
            and in_order.deadline_at >= {{ as_of() }}
            and in_order.verdict in ('due', 'gate'),
            false
        ) as is_candidate
    from in_order
    inner join schedule
        on in_order.journey = schedule.journey and in_order.step_number = schedule.step_number

)

select * from final

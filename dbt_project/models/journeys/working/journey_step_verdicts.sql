with times as (

    select * from {{ ref('journey_step_times') }}

),

refusals as (

    select * from {{ ref('journey_step_refusals') }}

),

gates as (

    select * from {{ ref('journey_step_gates') }}

),

final as (

    -- Of an exit, a gate and the last instant to send, the first one decides; at one instant the exit does.
    select
        times.*,
        refusals.failed_condition,
        gates.gate_reason,
        gates.gate_detail,
        gates.gated_at,
        case
            when times.message_state in ('held_out', 'rejected') then 'refused'
            when times.known_message_id is not null then 'sent'
            when refusals.entry_key is null and times.exited_at <= times.due_at then 'exited'
            when times.due_at > {{ as_of() }} then 'waiting'
            when refusals.entry_key is not null then 'condition'
            when gates.gated_at <= times.deadline_at and coalesce(gates.gated_at < times.exited_at, true) then 'gate'
            when times.exited_at <= times.deadline_at and times.exit_reason <> 'completed' then 'exited'
            when times.deadline_at < {{ as_of() }} then 'too_late'
            when times.exited_at is not null then 'exited'
            when times.is_overtaken then 'overtaken'
            else 'due'
        end as verdict
    from times
    left join refusals
        on times.entry_key = refusals.entry_key and times.step_number = refusals.step_number
    left join gates
        on times.entry_key = gates.entry_key and times.step_number = gates.step_number

)

select * from final

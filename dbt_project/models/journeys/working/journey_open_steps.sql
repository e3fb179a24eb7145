with times as (

    select * from {{ ref('journey_step_times') }}

),

final as (

    select entry_key, step_number, journey, person_id, entered_at, step, due_at
    from times
    where
        known_message_id is null
        and due_at <= {{ as_of() }}
        and coalesce(due_at < exited_at or (exit_reason = 'condition' and exit_step = step), true)

)

select * from final

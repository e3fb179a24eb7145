with outbox as (

    select * from {{ ref('stg_outbox__handovers') }}

),

unpacked as (

    select
        message_id,
        variant,
        unnest(from_json(decisions, '[{"slot": "varchar", "choice": "varchar", "rule": "varchar"}]')) as decision
    from outbox
    where decisions is not null

),

final as (

    select
        message_id,
        decision.slot,
        decision.choice,
        decision.rule,
        variant
    from unpacked

)

select * from final

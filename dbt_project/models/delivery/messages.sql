with outbox as (

    select * from {{ ref('stg_outbox__handovers') }}

),

final as (

    select
        message_id,
        person_id,
        campaign,
        occurrence,
        variant,
        is_holdout,
        state,
        planned_at,
        accepted_at,
        attempts,
        error
    from outbox

)

select * from final

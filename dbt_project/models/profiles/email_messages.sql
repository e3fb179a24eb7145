with history as (

    select * from {{ ref('stg_esp__messages') }}

),

ours as (

    select * from {{ ref('stg_outbox__messages') }}

),

final as (

    select message_id, email, campaign, sent_at, variant, is_holdout
    from history
    qualify row_number() over (partition by message_id order by sent_at, _landed_at, _load_id, _row) = 1
    union all
    select message_id, email, campaign, accepted_at as sent_at, variant, is_holdout
    from ours
    where state = 'accepted'

)

select * from final

with confirmations as (

    select * from {{ ref('identity_confirmations') }}

),

final as (

    select
        least(trim(contact_id_a), trim(contact_id_b)) as contact_id_a,
        greatest(trim(contact_id_a), trim(contact_id_b)) as contact_id_b,
        decision,
        decided_by,
        note
    from confirmations

)

select * from final

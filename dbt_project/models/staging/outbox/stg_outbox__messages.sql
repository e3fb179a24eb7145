with source as (

    select * from {{ source('raw', 'outbox_messages') }}

),

renamed as (

    select
        message_id,
        campaign,
        occurrence,
        person_id,
        email,
        variant,
        state,
        error,
        decisions,
        attempts,
        revision,
        is_holdout,
        planned_at,
        accepted_at
    from source

)

select *
from renamed
where planned_at <= {{ as_of() }}
qualify row_number() over (partition by message_id order by revision desc) = 1

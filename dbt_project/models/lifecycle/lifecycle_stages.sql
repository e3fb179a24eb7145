with transitions as (

    select * from {{ ref('lifecycle_transitions') }}

),

final as (

    select
        person_id,
        to_stage as lifecycle_stage,
        changed_at as stage_since
    from transitions
    qualify row_number() over (partition by person_id order by changed_at desc) = 1

)

select * from final

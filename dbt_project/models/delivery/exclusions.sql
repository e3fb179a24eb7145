{{ config(materialized='view') }}

with message_candidates as (

    select * from {{ ref('message_candidates') }}

),

final as (

    select
        campaign,
        occurrence,
        person_id,
        exclusion_reason as reason,
        exclusion_detail as detail
    from message_candidates
    where exclusion_reason is not null

)

select * from final

{{ config(materialized='view') }}

with observed as (

    select * from {{ ref('segment_observed_changes') }}

),

changes_now as (

    select * from {{ ref('segment_changes_now') }}

),

final as (

    select segment, person_id, change, changed_at
    from observed
    union all
    select segment, person_id, change, changed_at
    from changes_now

)

select * from final

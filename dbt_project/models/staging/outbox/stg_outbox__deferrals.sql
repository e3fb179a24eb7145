{{ config(materialized='view') }}

with source as (

    select * from {{ source('raw', 'message_deferrals') }}

),

renamed as (

    select message_id, campaign, occurrence, person_id, reason, due_at, expires_at, deferred_at
    from source
    where deferred_at < {{ as_of() }} and {{ known() }}

)

select * from renamed

{{ config(materialized='view') }}

with source as (

    select * from {{ source('raw', 'segment_changes') }}

),

renamed as (

    select segment, person_id, change, changed_at
    from source
    where changed_at < {{ as_of() }} and {{ known() }}

)

select * from renamed

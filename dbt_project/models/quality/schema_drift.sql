{{ config(materialized='view') }}

with changes as (

    select * from {{ source('raw', 'schema_changes') }}
    where {{ known('landed_at') }}

)

select * from changes

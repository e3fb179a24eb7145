{{ config(materialized='view') }}

with changes as (

    select * from {{ source('raw', 'schema_changes') }}

)

select * from changes

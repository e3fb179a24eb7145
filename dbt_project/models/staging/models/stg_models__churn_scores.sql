{{ config(materialized='view') }}

with source as (

    select * from {{ source('raw', 'churn_scores') }}

),

renamed as (

    select person_id, model_version, churn_probability, scored_at
    from source
    where scored_at < {{ as_of() }} and {{ known() }}

)

select * from renamed

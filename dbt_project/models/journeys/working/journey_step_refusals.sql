with due as (

    select * from {{ ref('journey_open_steps') }}

),

conditions as (

    select * from {{ source('raw', 'journey_conditions') }}

),

states as (

    select * from {{ ref('journey_states') }}

),

signals as (

    select * from {{ ref('journey_signals') }}

),

final as (

    {{ failed_conditions('due') }}

)

select * from final

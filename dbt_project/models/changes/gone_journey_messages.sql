{% if is_refresh_incremental() %}
with known as (

    select * from {{ before_refresh('journey_messages') }}

),

messages as (

    select * from {{ ref('stg_outbox__messages') }}

),

journeys as (

    select * from {{ source('raw', 'journeys') }}

),

final as (

    select known.message_id, known.person_id
    from known
    left join messages
        on known.message_id = messages.message_id
    left join journeys
        on known.journey = journeys.journey
    where messages.message_id is null or journeys.journey is null

)

select * from final
{% else %}
select cast(null as varchar) as message_id, cast(null as varchar) as person_id
where false
{% endif %}

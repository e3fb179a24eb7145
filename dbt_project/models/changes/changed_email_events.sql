with received as (

    select * from {{ ref('int_esp_events') }}

),

messages as (

    select * from {{ ref('email_messages') }}

),

-- A message that lands after its events tells their campaign.
final as (

    {% if is_refresh_incremental() %}
    select event_id
    from received
    where {{ is_news('received', 'occurred_at') }}
    union
    select received.event_id
    from received
    inner join messages
        on received.message_id = messages.message_id
    where messages._refresh = {{ refresh_number() }}
    {% else %}
    select received.event_id
    from received
    inner join messages
        on received.message_id = messages.message_id
    where false
    {% endif %}

)

select * from final

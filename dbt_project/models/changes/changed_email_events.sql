with received as not materialized (

    select * from {{ ref('int_esp_events') }}

),

messages as (

    select * from {{ ref('email_messages') }}

),

{% if is_refresh_incremental() %}
news as (

    select event_id, message_id
    from received
    where {{ is_news('received', 'occurred_at') }}

),

-- A message that lands after its events tells their campaign. Whether a machine made an act is seen from the others
-- of its message, those told under an id that came twice included.
touched_messages as (

    select received.message_id
    from received
    inner join news
        on received.event_id = news.event_id
    where received.message_id is not null
    union
    select message_id
    from messages
    where _refresh = {{ refresh_number() }}

),

{% endif %}
final as (

    {% if is_refresh_incremental() %}
    select event_id
    from news
    union
    select received.event_id
    from received
    inner join touched_messages
        on received.message_id = touched_messages.message_id
    {% else %}
    select received.event_id
    from received
    inner join messages
        on received.message_id = messages.message_id
    where false
    {% endif %}

)

select * from final

with received as not materialized (

    select * from {{ ref('int_web_events') }}

),

final as (

    {% if is_refresh_incremental() %}
    select message_id
    from received
    where {{ is_news('received', 'occurred_at') }}
    union
    select message_id
    from received
    where anonymous_id in (select anonymous_id from {{ ref('retenured_devices') }})
    {% else %}
    select message_id
    from received
    where false
    {% endif %}

)

select * from final

with web_events as not materialized (

    select * from {{ ref('int_web_events') }}

),

final as (

    {% if is_refresh_incremental() %}
    select anonymous_id
    from web_events
    where {{ is_news('web_events', 'occurred_at') }} and anonymous_id is not null
    union
    select previous_id
    from web_events
    where {{ is_news('web_events', 'occurred_at') }} and type = 'alias' and previous_id is not null
    {% else %}
    select anonymous_id
    from web_events
    where false
    {% endif %}

)

select * from final

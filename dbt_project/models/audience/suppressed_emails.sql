with events as (

    select * from {{ ref('email_events') }}

),

final as (

    select
        email,
        event as reason,
        occurred_at as suppressed_at
    from events
    where event in ('unsubscribed', 'complained', 'bounced')
    qualify row_number() over (partition by email order by occurred_at, event) = 1

)

select * from final

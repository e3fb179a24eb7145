with events as (

    select * from {{ ref('email_events') }}

),

listed as (

    select * from {{ ref('stg_sendgrid__suppressions') }}

),

-- A soft bounce condemns its message alone; SendGrid drops what is for an address on its own lists, and says which.
said as (

    select
        email,
        case
            when event <> 'rejected' then event
            when lower(reason) like 'unsubscribed address%' then 'unsubscribed'
            when lower(reason) like 'spam reporting address%' then 'complained'
            else 'bounced'
        end as reason,
        occurred_at as suppressed_at
    from events
    where
        event in ('unsubscribed', 'complained')
        or (event = 'bounced' and not {{ is_soft_bounce('reason') }})
        or (
            event = 'rejected'
            and (
                lower(reason) in ('bounced address', 'invalid')
                or lower(reason) like 'unsubscribed address%'
                or lower(reason) like 'spam reporting address%'
            )
        )
    union all
    select email, reason, listed_at
    from listed
    where reason is not null

),

final as (

    select email, reason, suppressed_at
    from said
    qualify row_number() over (partition by email order by suppressed_at, reason) = 1

)

select * from final

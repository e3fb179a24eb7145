with messages as (

    select * from {{ ref('email_messages') }}

),

events as (

    select * from {{ ref('email_events') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

orders as (

    select * from {{ ref('orders') }}

),

addressed as (

    select messages.*, identity_map.person_id
    from messages
    inner join identity_map
        on messages.email = identity_map.identifier and identity_map.identifier_type = 'email'

),

reactions as (

    select
        message_id,
        count(*) filter (where event = 'delivered') > 0 as is_delivered,
        count(*) filter (where event = 'opened') > 0 as is_opened,
        count(*) filter (where event = 'opened' and not is_machine) > 0 as is_opened_by_human,
        count(*) filter (where event = 'clicked') > 0 as is_clicked,
        count(*) filter (where event = 'clicked' and not is_machine) > 0 as is_clicked_by_human,
        count(*) filter (where event = 'unsubscribed') > 0 as is_unsubscribed,
        count(*) filter (where event = 'complained') > 0 as is_complained
    from events
    group by message_id

),

-- An order counts for the last message that its person got within the window before it.
attributed as (

    select orders.order_id, orders.net_amount, addressed.message_id
    from orders
    inner join addressed
        on
            orders.person_id = addressed.person_id
            and orders.ordered_at >= addressed.sent_at
            and orders.ordered_at < {{ plus_interval('addressed.sent_at', var('attribution_days')) }}
    where orders.is_purchase
    qualify
        row_number() over (
            partition by orders.order_id
            order by addressed.sent_at desc, addressed.message_id
        ) = 1

),

revenues as (

    select message_id, sum(net_amount) as revenue_amount
    from attributed
    group by message_id

),

final as (

    select
        addressed.campaign,
        coalesce(addressed.variant, 'default') as variant,
        count(*) as recipients,
        count(*) filter (where reactions.is_delivered) as delivered,
        count(*) filter (where reactions.is_opened) as unique_opens,
        count(*) filter (where reactions.is_opened_by_human) as unique_human_opens,
        count(*) filter (where reactions.is_clicked) as unique_clicks,
        count(*) filter (where reactions.is_clicked_by_human) as unique_human_clicks,
        count(revenues.message_id) as conversions,
        cast(coalesce(sum(revenues.revenue_amount), 0) as decimal(18, 2)) as revenue_amount,
        count(*) filter (where reactions.is_unsubscribed) as unsubscribes,
        count(*) filter (where reactions.is_complained) as complaints
    from addressed
    left join reactions
        on addressed.message_id = reactions.message_id
    left join revenues
        on addressed.message_id = revenues.message_id
    group by addressed.campaign, coalesce(addressed.variant, 'default')

)

select * from final

with messages as (

    select * from {{ ref('email_messages') }}

),

outbox as {{ read_anew() }} (

    select * from {{ ref('stg_outbox__messages') }}

),

events as (

    select * from {{ ref('email_events') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}
    where identifier_type = 'email'

),

identity_merges as (

    select * from {{ ref('identity_merges') }}

),

orders as {{ read_anew() }} (

    select * from {{ ref('orders') }}
    where is_purchase

),

-- Our own messages are compared from the instant at which they, or their withholding, were decided: who is held out
-- has no other.
assigned as (

    select
        messages.message_id,
        messages.campaign,
        messages.variant,
        messages.email,
        cast(null as varchar) as planned_person_id,
        coalesce(messages.is_holdout, false) as is_holdout,
        cast(null as varchar) as holdout_kind,
        messages.sent_at as assigned_at,
        case when not coalesce(messages.is_holdout, false) then messages.sent_at end as sent_at
    from messages
    left join outbox
        on messages.message_id = outbox.message_id
    where outbox.message_id is null
    union all
    select
        message_id,
        campaign,
        variant,
        email,
        person_id,
        is_holdout,
        case when is_holdout then from_json(decisions, '[{"choice": "varchar"}]')[1].choice end,
        planned_at,
        accepted_at
    from outbox

),

-- An older id leads to the person that it has become.
addressed as (

    select
        assigned.*,
        coalesce(
            identity_map.person_id, identity_merges.kept_person_id, assigned.planned_person_id
        ) as person_id
    from assigned
    left join identity_map
        on assigned.email = identity_map.identifier
    left join identity_merges
        on assigned.planned_person_id = identity_merges.merged_person_id
    where coalesce(identity_map.person_id, assigned.planned_person_id) is not null

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

-- An order is credited to the last message, of whatever campaign, that its person got within the window before it.
credits as (

    select addressed.message_id, orders.net_amount
    from orders
    inner join addressed
        on
            orders.person_id = addressed.person_id
            and orders.ordered_at >= addressed.sent_at
            and orders.ordered_at < {{ plus_interval('addressed.sent_at', var('attribution_days')) }}
    qualify
        row_number() over (
            partition by orders.order_id
            order by addressed.sent_at desc, addressed.message_id
        ) = 1

),

credited as (

    select message_id, sum(net_amount) as credited_amount
    from credits
    group by message_id

),

-- What is compared is whether people ordered, whoever may take the credit: a message that another one followed and a
-- withheld one are treated alike. Once for each campaign, so that its next message does not count it again.
followed as (

    select addressed.message_id, orders.net_amount
    from orders
    inner join addressed
        on
            orders.person_id = addressed.person_id
            and orders.ordered_at >= addressed.assigned_at
            and orders.ordered_at < {{ plus_interval('addressed.assigned_at', var('attribution_days')) }}
    qualify
        row_number() over (
            partition by orders.order_id, addressed.campaign
            order by addressed.assigned_at desc, addressed.message_id
        ) = 1

),

converted as (

    select message_id, sum(net_amount) as converted_amount
    from followed
    group by message_id

),

final as (

    select
        addressed.message_id,
        addressed.campaign,
        coalesce(addressed.variant, 'default') as variant,
        addressed.person_id,
        addressed.is_holdout,
        case when addressed.is_holdout then coalesce(addressed.holdout_kind, 'campaign') end as holdout_kind,
        addressed.assigned_at,
        addressed.sent_at,
        {{ plus_interval('addressed.assigned_at', var('attribution_days')) }} <= {{ as_of() }} as is_window_over,
        coalesce(reactions.is_delivered, false) as is_delivered,
        coalesce(reactions.is_opened, false) as is_opened,
        coalesce(reactions.is_opened_by_human, false) as is_opened_by_human,
        coalesce(reactions.is_clicked, false) as is_clicked,
        coalesce(reactions.is_clicked_by_human, false) as is_clicked_by_human,
        coalesce(reactions.is_unsubscribed, false) as is_unsubscribed,
        coalesce(reactions.is_complained, false) as is_complained,
        credited.message_id is not null as is_credited,
        cast(coalesce(credited.credited_amount, 0) as decimal(18, 2)) as credited_amount,
        converted.message_id is not null as is_converted,
        cast(coalesce(converted.converted_amount, 0) as decimal(18, 2)) as converted_amount
    from addressed
    left join reactions
        on addressed.message_id = reactions.message_id
    left join credited
        on addressed.message_id = credited.message_id
    left join converted
        on addressed.message_id = converted.message_id

)

select * from final

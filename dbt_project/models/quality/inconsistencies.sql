{#- Entities with a time of their own: what names a record, and the latest time that it speaks of. -#}
{% set times = {
    'crm_contacts': ('contact_id', 'greatest(signed_up_at, coalesce(updated_at, signed_up_at))'),
    'crm_consents': ('contact_id', 'occurred_at'),
    'crm_activities': ('contact_id', 'occurred_at'),
    'shop_products': ('product_id', 'updated_at'),
    'shop_orders': ('order_id', 'ordered_at'),
    'web_events': ('message_id', 'occurred_at'),
    'esp_messages': ('message_id', 'sent_at'),
    'esp_events': ('event_id', 'occurred_at'),
} %}
with contacts as (

    select * from {{ ref('contacts') }}
    where not coalesce(is_deleted, false)

),

orders as not materialized (

    select * from {{ ref('orders') }}

),

received_orders as (

    select * from {{ ref('int_orders') }}
    qualify row_number() over (partition by order_id order by _landed_at desc, _load_id desc, _row desc) = 1

),

shop_orders as (

    select * from {{ ref('base_shop__orders') }}
    where _refusal is null

),

received_lines as not materialized (

    select * from {{ ref('int_order_lines') }}

),

activities as (

    select * from {{ ref('base_crm__activities') }}
    where _refusal is null and _copy_number = 1 and occurred_at <= {{ as_of() }}

),

web_events as not materialized (

    select * from {{ ref('int_web_events') }}

),

loads as (

    select * from {{ ref('load_reconciliation') }}

),

lines_of_orders as (

    select source, order_id
    from received_lines
    group by source, order_id

),

sources_with_lines as (

    select source
    from lines_of_orders
    group by source

),

-- A shop's total is with or without shipping; either is good.
totals as (

    select
        received.order_id,
        received._load_id,
        received._row,
        orders.net_amount,
        received.shipping_amount,
        try_cast(shop_orders.attributes ->> '$.{{ var("order_total_attribute") }}' as decimal(18, 2)) as total_amount
    from received_orders as received
    inner join orders
        on received.order_id = orders.order_id
    inner join shop_orders
        on received._load_id = shop_orders._load_id and received._row = shop_orders._row
    where received.source = 'shop' and orders.lines_count > 0

),

-- Few lines are suspicious, so only their versions are put in order.
suspicious_lines as (

    select order_id, line_number
    from received_lines
    where discount_amount > quantity * unit_price_amount + {{ var('amount_tolerance') }}
    group by order_id, line_number

),

suspicious_newest_lines as (

    select lines.*
    from received_lines as lines
    inner join suspicious_lines as suspicious
        on lines.order_id = suspicious.order_id and lines.line_number = suspicious.line_number
    qualify
        row_number() over (
            partition by lines.order_id, lines.line_number
            order by lines._landed_at desc, lines._load_id desc, lines._row desc
        ) = 1

),

found as (

    select
        'order_total_differs' as kind,
        'shop_orders' as entity,
        order_id as key,
        'the order says ' || cast(total_amount as varchar) || ', its lines and discounts come to '
        || cast(net_amount as varchar) || ', with shipping to ' || cast(net_amount + shipping_amount as varchar) as detail,
        _load_id,
        _row
    from totals
    where
        abs(total_amount - net_amount) > {{ var('amount_tolerance') }}
        and abs(total_amount - net_amount - shipping_amount) > {{ var('amount_tolerance') }}

    union all

    -- Where no line of a source ever came, there is nothing to hold its orders against.
    select
        'order_without_lines', received.source || '_orders', received.order_id,
        'a placed order of which no line came', received._load_id, received._row
    from received_orders as received
    inner join sources_with_lines
        on received.source = sources_with_lines.source
    left join lines_of_orders
        on received.source = lines_of_orders.source and received.order_id = lines_of_orders.order_id
    where lines_of_orders.order_id is null and received.status = 'placed'

    union all

    select
        'discount_exceeds_amount', source || '_order_lines', order_id || ' line ' || cast(line_number as varchar),
        'discounted by ' || cast(discount_amount as varchar) || ' of '
        || cast(cast(quantity * unit_price_amount as decimal(18, 2)) as varchar),
        _load_id, _row
    from suspicious_newest_lines
    where discount_amount > quantity * unit_price_amount + {{ var('amount_tolerance') }}

    union all

    select
        'negative_order_total', received.source || '_orders', received.order_id,
        'comes to ' || cast(orders.net_amount as varchar), received._load_id, received._row
    from received_orders as received
    inner join orders
        on received.order_id = orders.order_id
    where orders.net_amount < 0

    union all

    select
        'order_before_sign_up', received.source || '_orders', received.order_id,
        'placed ' || cast(cast({{ days_between('received.ordered_at', 'contacts.signed_up_at') }} as decimal(12, 2)) as varchar)
        || ' days before its customer signed up',
        received._load_id, received._row
    from received_orders as received
    inner join contacts
        on received.customer_id = contacts.contact_id
    where received.ordered_at < {{ minus_interval('contacts.signed_up_at', var('clock_tolerance_minutes'), 'minute') }}

    union all

    -- Before the sign-up a visitor is anonymous; an event under the contact's own id is not.
    select
        'event_before_sign_up', web_events.source || '_events', web_events.message_id,
        'happened ' || cast(cast({{ days_between('web_events.occurred_at', 'contacts.signed_up_at') }} as decimal(12, 2)) as varchar)
        || ' days before its contact signed up',
        web_events._load_id, web_events._row
    from web_events
    inner join contacts
        on web_events.user_id = contacts.contact_id
    where web_events.occurred_at < {{ minus_interval('contacts.signed_up_at', var('clock_tolerance_minutes'), 'minute') }}

    union all

    select
        'event_before_sign_up', 'crm_activities', activities.contact_id,
        'happened ' || cast(cast({{ days_between('activities.occurred_at', 'contacts.signed_up_at') }} as decimal(12, 2)) as varchar)
        || ' days before its contact signed up',
        activities._load_id, activities._row
    from activities
    inner join contacts
        on activities.contact_id = contacts.contact_id
    where activities.occurred_at < {{ minus_interval('contacts.signed_up_at', var('clock_tolerance_minutes'), 'minute') }}

    union all

    select
        'updated_before_sign_up', 'crm_contacts', contact_id,
        'updated ' || cast(cast({{ days_between('updated_at', 'signed_up_at') }} as decimal(12, 2)) as varchar)
        || ' days before the sign-up',
        _load_id, _row
    from contacts
    where updated_at < signed_up_at

    union all

    -- The sign-up lies before as_of, so whoever is born in the future is born after it too.
    select
        'implausible_birth_date', 'crm_contacts', contact_id,
        case
            when birth_date > cast(signed_up_at as date) then 'born after the sign-up'
            else 'born more than {{ var("oldest_age_years") }} years ago'
        end,
        _load_id, _row
    from contacts
    where
        birth_date > cast(signed_up_at as date)
        or birth_date < cast({{ ago(var('oldest_age_years'), 'year') }} as date)

    union all

    select
        'received_before_it_happened', source || '_events', message_id,
        'received ' || cast(cast({{ days_between('received_at', 'occurred_at') }} * 24 as decimal(12, 1)) as varchar)
        || ' hours before it happened',
        _load_id, _row
    from web_events
    where received_at < {{ minus_interval('occurred_at', var('clock_tolerance_minutes'), 'minute') }}

    {% for entity, (key, time) in times.items() %}
    union all

    -- Nothing is received before it has happened. Against as_of this would be wrong: in a backfill, what lies
    -- after as_of is good and not known yet; against its own landing a record is wrong in every build alike.
    select
        'later_than_its_landing', '{{ entity }}', {{ key }},
        'speaks of ' || cast({{ time }} as varchar), _load_id, _row
    from {{ ref('base_' ~ entity | replace('_', '__', 1)) }}
    where
        _refusal is null
        and _copy_number = 1
        and {{ time }} > {{ plus_interval('_landed_at', var('future_tolerance_hours'), 'hour') }}
    {% endfor %}

),

final as (

    select
        found.kind,
        found.entity,
        found.key,
        found.detail,
        loads.file,
        found._row as row_number,
        found._load_id as load_id
    from found
    left join loads
        on found._load_id = loads.load_id

)

select * from final

with contacts as (

    select * from {{ ref('contacts') }}
    where not coalesce(is_deleted, false)

),

received_orders as (

    select * from {{ ref('int_orders') }}
    qualify row_number() over (partition by order_id order by _landed_at desc, _load_id desc, _row desc) = 1

),

orders as (

    select * from {{ ref('orders') }}

),

order_lines as (

    select * from {{ ref('order_lines') }}

),

web_events as (

    select * from {{ ref('int_web_events') }}

),

esp_events as (

    select * from {{ ref('int_esp_events') }}

),

unified_contacts as (

    select
        *,
        row_number() over (partition by person_id order by signed_up_at, contact_id) as place
    from contacts

),

certain_contacts as (

    select
        firsts.contact_id as first_key,
        later.contact_id as later_key,
        'the identity map holds both to be one person, by '
        || case
            when later.email = firsts.email then 'the same e-mail address'
            when later.phone = firsts.phone then 'the same phone number'
            else 'identifiers between them'
        end as evidence,
        later._load_id,
        later._landed_at
    from unified_contacts as later
    inner join unified_contacts as firsts
        on later.person_id = firsts.person_id and firsts.place = 1
    where later.place > 1

),

named_contacts as (

    select
        *,
        regexp_replace(lower(trim(first_name) || ' ' || trim(last_name)), '[[:space:]]+', ' ', 'g') as full_name
    from contacts
    where first_name is not null and last_name is not null

),

likenesses as (

    select *, 'name and birth date' as likeness, full_name || '|' || cast(birth_date as varchar) as shared
    from named_contacts
    union all
    select *, 'name and city', full_name || '|' || lower(city)
    from named_contacts
    union all
    select *, 'name and first part of the address', full_name || '|' || split_part(email, '@', 1)
    from named_contacts

),

alike as (

    select
        *,
        count(*) over (partition by likeness, shared) as contacts_count,
        row_number() over (partition by likeness, shared order by signed_up_at, contact_id) as place
    from likenesses
    where shared is not null

),

-- Each against the first of those alike, never all against all: a name that many have stays cheap.
suspected_contacts as (

    select
        firsts.contact_id as first_key,
        later.contact_id as later_key,
        'the same ' || string_agg(later.likeness, ', the same ' order by later.likeness) as evidence,
        max(later._load_id) as _load_id,
        max(later._landed_at) as _landed_at
    from alike as later
    inner join alike as firsts
        on later.likeness = firsts.likeness and later.shared = firsts.shared and firsts.place = 1
    where
        later.place > 1
        and later.contacts_count <= {{ var('max_contacts_per_likeness') }}
        and later.person_id <> firsts.person_id
        -- Two known birth dates that differ are two people.
        and coalesce(later.birth_date = firsts.birth_date, true)
    group by firsts.contact_id, later.contact_id

),

-- A cancelled order that was placed anew is no duplicate: only purchases are compared.
order_candidates as (

    select *
    from orders
    where is_purchase and lines_count > 0
    qualify count(*) over (partition by person_id, currency, net_amount, lines_count, quantity) > 1

),

order_contents as (

    select
        candidates.order_id,
        md5(string_agg(
            lines.product_id || ' ' || cast(lines.quantity as varchar) || ' ' || cast(lines.net_amount as varchar),
            ',' order by lines.product_id, lines.quantity, lines.net_amount
        )) as content
    from order_candidates as candidates
    inner join order_lines as lines
        on candidates.order_id = lines.order_id
    group by candidates.order_id

),

order_neighbours as (

    select
        candidates.*,
        lag(candidates.order_id) over same_content as first_key,
        lag(candidates.ordered_at) over same_content as first_ordered_at
    from order_candidates as candidates
    inner join order_contents as contents
        on candidates.order_id = contents.order_id
    window same_content as (
        partition by candidates.person_id, candidates.currency, candidates.net_amount, contents.content
        order by candidates.ordered_at, candidates.order_id
    )

),

-- Within a minute anything counts; within a day a single line does not: people buy a coffee twice.
repeated_orders as (

    select
        neighbours.first_key,
        neighbours.order_id as later_key,
        'the same person, lines and total, '
        || case
            when neighbours.ordered_at < {{ plus_interval('neighbours.first_ordered_at', 1, 'minute') }} then 'within a minute'
            else 'on the same day'
        end as evidence,
        received.source,
        received._load_id,
        received._landed_at
    from order_neighbours as neighbours
    inner join received_orders as received
        on neighbours.order_id = received.order_id
    where
        neighbours.ordered_at < {{ plus_interval('neighbours.first_ordered_at', 1, 'minute') }}
        or (
            cast(neighbours.ordered_at as date) = cast(neighbours.first_ordered_at as date)
            and neighbours.lines_count > 1
        )

),

-- Most events are alone with their id and their content: a number for each says cheaply which may not be.
event_numbers as (

    select
        source,
        message_id as event_key,
        'message_id' as id_name,
        hash(source, message_id) as key_number,
        hash(source, coalesce(user_id, anonymous_id), type, event, properties, context, occurred_at) as content_number,
        occurred_at,
        _load_id,
        _landed_at,
        _row
    from web_events
    union all
    select
        source,
        event_id,
        'event_id',
        hash(source, event_id),
        hash(source, coalesce(message_id, email), event, url, reason, occurred_at),
        occurred_at,
        _load_id,
        _landed_at,
        _row
    from esp_events

),

repeated_keys as (

    select key_number
    from event_numbers
    group by key_number
    having count(*) > 1

),

-- Exact repeats never get here; these differ in content under one id.
events_of_one_id as (

    select
        source,
        event_key,
        id_name,
        count(*) as copies_count,
        arg_max(_load_id, (_landed_at, _load_id, _row)) as _load_id,
        max(_landed_at) as _landed_at
    from event_numbers
    where key_number in (select repeated_keys.key_number from repeated_keys)
    group by source, event_key, id_name
    having count(*) > 1

),

repeated_contents as (

    select content_number
    from event_numbers
    group by content_number
    having count(*) > 1

),

events as (

    select *
    from event_numbers
    where content_number in (select repeated_contents.content_number from repeated_contents)
    qualify
        row_number() over (
            partition by source, event_key
            order by _landed_at, _load_id, _row
        ) = 1

),

event_neighbours as (

    select
        *,
        lag(event_key) over (
            partition by source, content_number
            order by _landed_at, event_key
        ) as first_key
    from events

),

final as (

    select
        'same_person_two_contacts' as kind,
        'crm_contacts' as entity,
        'certain' as certainty,
        first_key,
        later_key,
        evidence,
        _load_id as load_id,
        _landed_at as landed_at
    from certain_contacts
    union all
    select 'contacts_alike', 'crm_contacts', 'suspected', first_key, later_key, evidence, _load_id, _landed_at
    from suspected_contacts
    union all
    select 'same_order_twice', source || '_orders', 'suspected', first_key, later_key, evidence, _load_id, _landed_at
    from repeated_orders
    union all
    select
        'same_event_twice', source || '_events', 'certain', event_key, event_key,
        'the same ' || id_name || ' in ' || cast(copies_count as varchar) || ' versions', _load_id, _landed_at
    from events_of_one_id
    union all
    select
        'same_event_twice', source || '_events', 'suspected', first_key, event_key,
        'the same content and instant under another id', _load_id, _landed_at
    from event_neighbours
    where first_key is not null

)

select * from final

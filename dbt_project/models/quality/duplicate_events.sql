with web_events as (

    select * from {{ ref('int_web_events') }}

),

esp_events as (

    select * from {{ ref('int_esp_events') }}

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
        'same_event_twice' as kind,
        source || '_events' as entity,
        'certain' as certainty,
        event_key as first_key,
        event_key as later_key,
        'the same ' || id_name || ' in ' || cast(copies_count as varchar) || ' versions' as evidence,
        _load_id as load_id,
        _landed_at as landed_at
    from events_of_one_id
    union all
    select
        'same_event_twice', source || '_events', 'suspected', first_key, event_key,
        'the same content and instant under another id', _load_id, _landed_at
    from event_neighbours
    where first_key is not null

)

select * from final

-- What a person opened and clicked, each once an hour: whoever reopens a message ten times reads mail at that hour once.
with email_events as (

    select * from {{ ref('email_events') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}
    where identifier_type = 'email'

),

people as (

    select * from {{ ref('send_time_people') }}

),

acts as (

    select
        people.person_id,
        people.group_name,
        email_events.event,
        email_events.occurred_at,
        date_trunc('hour', {{ local_time('email_events.occurred_at', 'people.timezone') }}) as local_hour_at
    from email_events
    inner join identity_map
        on email_events.email = identity_map.identifier
    inner join people
        on identity_map.person_id = people.person_id
    where
        email_events.event in ('opened', 'clicked')
        and not coalesce(email_events.is_machine, false)
        and email_events.occurred_at <= {{ as_of() }}
        and email_events.occurred_at > {{ ago(var('send_time_history_days')) }}

),

final as (

    select
        person_id,
        group_name,
        event,
        local_hour_at,
        cast(extract(hour from local_hour_at) as int) as hour,
        min(occurred_at) as occurred_at,
        cast(case event when 'clicked' then {{ var('send_time_click_weight') }} else 1 end as decimal(9, 2)) as weight
    from acts
    group by person_id, group_name, event, local_hour_at

)

select * from final

{% if is_refresh_incremental() %}
with web_events as not materialized (

    select * from {{ ref('web_events') }}
    where type in ('page', 'screen', 'track') and not is_repeat

),

identity_map as not materialized (

    select * from {{ ref('identity_map') }}

),

-- Acts left them, or came to them from somebody else: all their visits are put together anew.
restarted_people as (

    select person_id from {{ ref('moved_people') }}
    union
    select person_id
    from {{ ref('touched_acts') }}
    where channel = 'web'

),

restarted_identifiers as (

    select identity_map.identifier_type, identity_map.identifier
    from identity_map
    inner join restarted_people
        on identity_map.person_id = restarted_people.person_id

),

acts as (

    select identifier_type, identifier, {{ visitor('web_events') }} as visitor, min(occurred_at) as from_at
    from web_events
    where _refresh = {{ refresh_number() }}
    group by all
    union all
    select web_events.identifier_type, web_events.identifier, {{ visitor('web_events') }}, cast('0001-01-01' as timestamp)
    from web_events
    inner join restarted_identifiers
        on
            web_events.identifier = restarted_identifiers.identifier
            and {{ also_equal('web_events.identifier_type', 'restarted_identifiers.identifier_type') }}
    group by all

),

visitors as (

    select identity_map.person_id, acts.visitor, min(acts.from_at) as from_at
    from acts
    inner join identity_map
        on acts.identifier = identity_map.identifier and {{ also_equal('acts.identifier_type', 'identity_map.identifier_type') }}
    group by identity_map.person_id, acts.visitor

),

-- A new act may continue a visit, or join two.
final as (

    select
        visitors.person_id,
        visitors.visitor,
        least(visitors.from_at, min(sessions.started_at)) as from_at
    from visitors
    left join {{ before_refresh('sessions') }} as sessions
        on
            visitors.person_id = sessions.person_id
            and {{ also_equal('sessions.visitor', 'visitors.visitor') }}
            and sessions.ended_at >= {{ minus_interval('visitors.from_at', var('session_silence_minutes'), 'minute') }}
    group by visitors.person_id, visitors.visitor, visitors.from_at
    union
    select restarted_people.person_id, sessions.visitor, cast('0001-01-01' as timestamp)
    from restarted_people
    inner join {{ before_refresh('sessions') }} as sessions
        on restarted_people.person_id = sessions.person_id

)

select person_id, visitor, min(from_at) as from_at
from final
group by person_id, visitor
{% else %}
select cast(null as varchar) as person_id, cast(null as varchar) as visitor, cast(null as timestamp) as from_at
where false
{% endif %}

with web_events as (

    select * from {{ ref('int_web_events') }}
    {% if is_refresh_incremental() %}
    where anonymous_id in (select anonymous_id from {{ ref('changed_devices') }})
    union all
    select * from {{ ref('int_web_events') }}
    where
        type = 'alias'
        and previous_id in (select anonymous_id from {{ ref('changed_devices') }})
        and (anonymous_id is null or anonymous_id not in (select anonymous_id from {{ ref('changed_devices') }}))
    {% endif %}

),

devices as (

    select distinct anonymous_id
    from web_events
    where
        anonymous_id is not null
        {%- if is_refresh_incremental() %}
        and anonymous_id in (select anonymous_id from {{ ref('changed_devices') }})
        {%- endif %}

),

-- Who shows themselves on a device, and when: by a user id, by an alias, or by leaving.
signals as (

    select
        web_events.anonymous_id,
        web_events.user_id,
        web_events.occurred_at,
        false as is_logout
    from web_events
    inner join devices
        on web_events.anonymous_id = devices.anonymous_id
    where web_events.user_id is not null
    union all
    select web_events.previous_id, web_events.user_id, web_events.occurred_at, false
    from web_events
    inner join devices
        on web_events.previous_id = devices.anonymous_id
    where web_events.type = 'alias' and web_events.user_id is not null
    union all
    select web_events.anonymous_id, null, web_events.occurred_at, true
    from web_events
    inner join devices
        on web_events.anonymous_id = devices.anonymous_id
    where
        web_events.type = 'track'
        and {{ event_name('web_events.event') }} in ('{{ var("logout_events") | join("', '") }}')

),

-- At the same instant, the logout comes last: it ends what its own user did.
ordered as (

    select
        *,
        row_number() over signals_of_device as signal_number,
        lag(user_id) over signals_of_device as previous_user_id,
        lag(is_logout) over signals_of_device as is_after_logout
    from signals
    window signals_of_device as (
        partition by anonymous_id
        order by occurred_at, is_logout, user_id
    )

),

-- A tenure begins with the device, after a logout, and when somebody else logs in.
beginnings as (

    select anonymous_id, cast('0001-01-01' as timestamp) as started_at
    from ordered
    where signal_number = 1
    union all
    select anonymous_id, {{ plus_interval('occurred_at', 1, 'microsecond') }}
    from ordered
    where is_logout and not coalesce(is_after_logout, false)
    union all
    select anonymous_id, occurred_at
    from ordered
    where not is_logout and not is_after_logout and user_id <> previous_user_id

),

spans as (

    select
        anonymous_id,
        started_at,
        coalesce(
            lead(started_at) over (partition by anonymous_id order by started_at), cast('9999-12-31' as timestamp)
        ) as ended_at
    from beginnings
    group by anonymous_id, started_at

),

-- A family's tablet says nothing about who a person is.
shared as (

    select anonymous_id
    from signals
    group by anonymous_id
    having count(distinct user_id) > {{ var('max_contacts_per_identifier') }}

),

holders as (

    select
        spans.anonymous_id,
        spans.started_at,
        min(ordered.user_id) as user_id,
        min(ordered.occurred_at) as identified_at
    from spans
    inner join ordered
        on
            spans.anonymous_id = ordered.anonymous_id
            and spans.started_at <= ordered.occurred_at
            and spans.ended_at > ordered.occurred_at
    where ordered.user_id is not null
    group by spans.anonymous_id, spans.started_at
    -- Two users at one instant: nobody can say whose the device was.
    having count(distinct ordered.user_id) = 1

),

final as (

    select
        spans.anonymous_id,
        case
            when spans.started_at = cast('0001-01-01' as timestamp) then spans.anonymous_id
            else spans.anonymous_id || '@' || cast(spans.started_at as varchar)
        end as tenure_id,
        case when shared.anonymous_id is null then holders.user_id end as user_id,
        case when shared.anonymous_id is null then holders.identified_at end as identified_at,
        shared.anonymous_id is not null as is_shared,
        spans.started_at,
        spans.ended_at
    from spans
    left join holders
        on spans.anonymous_id = holders.anonymous_id and spans.started_at = holders.started_at
    left join shared
        on spans.anonymous_id = shared.anonymous_id

)

select * from final

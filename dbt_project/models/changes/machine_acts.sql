with received as {{ read_anew() }} (

    select * from {{ ref('int_esp_events') }}
    {% if is_refresh_incremental() %}
    where event_id in (select changed.event_id from {{ ref('changed_email_events') }} as changed)
    {% endif %}

),

user_agents as (

    select * from {{ ref('machine_user_agents') }}

),

-- An ESP delivers an event at least once.
once as (

    select * from {{ numbered_copies('received', ['event_id'], 'occurred_at, _landed_at, _load_id, _row') }}
    where copy_number = 1

),

deliveries as (

    select message_id, min(occurred_at) as delivered_at
    from once
    where event = 'delivered' and message_id is not null
    group by message_id

),

acts as (

    select
        event_id,
        message_id,
        event,
        {{ link_of('url') }} as link,
        {{ is_hidden_link('url') }} as is_hidden,
        lower(trim(user_agent)) as user_agent,
        is_machine,
        occurred_at
    from once
    where event in ('opened', 'clicked')

),

-- A burst ends where its message rests for longer than a scanner does between two links.
spaced as (

    select
        event_id,
        message_id,
        link,
        is_hidden,
        occurred_at,
        coalesce(
            occurred_at > {{ plus_interval(
                'lag(occurred_at) over (partition by message_id order by occurred_at, event_id)',
                var('machine_pause_seconds'), 'second'
            ) }},
            true
        ) as is_first
    from acts
    where message_id is not null

),

numbered as (

    select
        *,
        sum(case when is_first then 1 else 0 end) over (
            partition by message_id
            order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as burst
    from spaced

),

bursts as (

    select
        message_id,
        burst,
        count(distinct link) as links_count,
        max(case when is_hidden then 1 else 0 end) = 1 as has_hidden_link,
        -- Nobody comes back to a message from one link and follows another within a second.
        count(distinct link) > 1
        and max(case when link is not null then occurred_at end)
        <= {{ plus_interval('min(case when link is not null then occurred_at end)', 1, 'second') }} as is_at_once
    from numbered
    group by message_id, burst

),

by_user_agent as (

    select acts.event_id
    from acts
    inner join user_agents
        on
            acts.user_agent like user_agents.pattern
            and acts.event = coalesce(nullif(user_agents.event, ''), acts.event)
    group by acts.event_id

),

judged as (

    select
        acts.event_id,
        case
            when acts.is_machine then 'vendor'
            when coalesce(bursts.has_hidden_link, acts.is_hidden) then 'hidden_link'
            when bursts.is_at_once or bursts.links_count >= {{ var('machine_links') }} then 'links_at_once'
            when by_user_agent.event_id is not null then 'user_agent'
            -- The server's answer may be noted a little after what its scanner did. Times that are both at the same full
            -- minute are rounded, and say nothing of seconds.
            when
                not (acts.occurred_at = deliveries.delivered_at and date_trunc('minute', acts.occurred_at) = acts.occurred_at)
                and acts.occurred_at <= {{ plus_interval('deliveries.delivered_at', var('machine_after_delivery_seconds'), 'second') }}
                and acts.occurred_at >= {{ minus_interval('deliveries.delivered_at', var('machine_before_delivery_seconds'), 'second') }}
                then 'right_after_delivery'
        end as machine_reason
    from acts
    left join numbered on acts.event_id = numbered.event_id
    left join bursts on numbered.message_id = bursts.message_id and numbered.burst = bursts.burst
    left join deliveries on acts.message_id = deliveries.message_id
    left join by_user_agent on acts.event_id = by_user_agent.event_id

),

final as (

    select event_id, machine_reason
    from judged
    where machine_reason is not null

)

select * from final

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'stale_sessions', 'matching': {'session_id': 'session_id'}}],
) }}

with web_events as (

    select
        *,
        {{ visitor('web_events') }} as visitor,
        {{ page_url('web_events') }} as url
    from {{ ref('web_events') }} as web_events
    where type in ('page', 'screen', 'track') and not is_repeat

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

-- A person's visit happens on one device; without a device, it is the person's.
visited as (

    select
        identity_map.person_id,
        web_events.visitor,
        -- Sorting by one number is cheaper than by two texts.
        hash(identity_map.person_id, web_events.visitor) as visitor_hash,
        web_events.source,
        web_events.message_id,
        web_events.type,
        web_events.event,
        web_events.occurred_at,
        {{ page_path('web_events') }} as page,
        coalesce(web_events.context ->> '$.campaign.source', {{ url_parameter('web_events', 'utm_source') }}) as utm_source,
        coalesce(web_events.context ->> '$.campaign.medium', {{ url_parameter('web_events', 'utm_medium') }}) as utm_medium,
        coalesce(web_events.context ->> '$.campaign.name', {{ url_parameter('web_events', 'utm_campaign') }}) as utm_campaign,
        coalesce(web_events.properties ->> '$.referrer', web_events.context ->> '$.page.referrer') as referrer,
        coalesce(web_events.context ->> '$.device.type', {{ device_of('web_events') }}) as device
    from web_events
    inner join identity_map
        on
            web_events.identifier_type = identity_map.identifier_type
            and web_events.identifier = identity_map.identifier
    {%- if is_incremental() %}
    inner join {{ ref('changed_visitors') }} as changed_visitors
        on
            identity_map.person_id = changed_visitors.person_id
            and web_events.visitor = changed_visitors.visitor
            and web_events.occurred_at >= changed_visitors.from_at
    {%- endif %}

),

begun as (

    select
        *,
        row_number() over visits as act_number,
        coalesce(
            occurred_at > {{ plus_interval('lag(occurred_at) over visits', var('session_silence_minutes'), 'minute') }},
            true
        ) as is_beginning
    from visited
    window visits as (
        partition by visitor_hash, person_id, visitor
        order by occurred_at, source, message_id
    )

),

numbered as (

    select
        *,
        count(*) filter (where is_beginning) over (
            partition by visitor_hash, person_id, visitor
            order by act_number
            rows between unbounded preceding and current row
        ) as visit_number
    from begun

),

final as (

    select
        md5(concat_ws('|', person_id, visitor, cast(min(occurred_at) as varchar))) as session_id,
        person_id,
        visitor,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        cast(epoch(max(occurred_at)) - epoch(min(occurred_at)) as bigint) as duration_seconds,
        count(*) filter (where type in ('page', 'screen')) as page_views_count,
        count(*) filter (where event = 'product_viewed') as product_views_count,
        count(*) as events_count,
        arg_min(page, act_number) as entry_page,
        arg_max(page, act_number) as exit_page,
        arg_min(referrer, act_number) as referrer,
        arg_min(utm_source, act_number) as utm_source,
        arg_min(utm_medium, act_number) as utm_medium,
        arg_min(utm_campaign, act_number) as utm_campaign,
        arg_min(device, act_number) as device
    from numbered
    group by person_id, visitor, visit_number

)

select * from final
{% if is_incremental() -%}
-- depends_on: {{ ref('stale_sessions') }}
{%- endif %}

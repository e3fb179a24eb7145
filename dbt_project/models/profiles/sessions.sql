{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'stale_sessions', 'matching': {'session_id': 'session_id'}}],
) }}

with web_events as (

    select
        *,
        {{ visitor('web_events') }} as visitor,
        {{ web_texts('web_events', 'properties') }} as properties_texts,
        {{ web_texts('web_events', 'context') }} as context_texts
    from {{ ref('web_events') }} as web_events
    where type in ('page', 'screen', 'track') and not is_repeat

),

seen as (

    select *, {{ page_url('web_events') }} as url
    from web_events

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

-- A person's visit happens on one device; without a device, it is the person's. Millions of acts are put in order:
-- sorting by numbers is cheaper than by texts, and so is carrying one number instead of where an act came from.
visited as (

    select
        identity_map.person_id,
        seen.visitor,
        hash(identity_map.person_id) as person_number,
        hash(seen.visitor) as visitor_number,
        hash(seen.source, seen.message_id) as message_number,
        seen.type in ('page', 'screen') as is_page_view,
        seen.event = 'product_viewed' as is_product_view,
        seen.occurred_at,
        {{ page_path('seen') }} as page,
        coalesce({{ web_text('seen', 'context', 'campaign.source') }}, {{ url_parameter('seen', 'utm_source') }}) as utm_source,
        coalesce({{ web_text('seen', 'context', 'campaign.medium') }}, {{ url_parameter('seen', 'utm_medium') }}) as utm_medium,
        coalesce({{ web_text('seen', 'context', 'campaign.name') }}, {{ url_parameter('seen', 'utm_campaign') }}) as utm_campaign,
        coalesce({{ web_text('seen', 'properties', 'referrer') }}, {{ web_text('seen', 'context', 'page.referrer') }}) as referrer,
        {{ device_of('seen') }} as device
    from seen
    inner join identity_map
        on
            seen.identifier_type = identity_map.identifier_type
            and seen.identifier = identity_map.identifier
    {%- if is_incremental() %}
    inner join {{ ref('changed_visitors') }} as changed_visitors
        on
            identity_map.person_id = changed_visitors.person_id
            and seen.visitor = changed_visitors.visitor
            and seen.occurred_at >= changed_visitors.from_at
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
        partition by person_number, visitor_number
        order by occurred_at, message_number
    )

),

numbered as (

    select
        *,
        count(*) filter (where is_beginning) over (
            partition by person_number, visitor_number
            order by act_number
            rows between unbounded preceding and current row
        ) as visit_number
    from begun

),

visits as (

    select
        any_value(person_id) as person_id,
        any_value(visitor) as visitor,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) filter (where is_page_view) as page_views_count,
        count(*) filter (where is_product_view) as product_views_count,
        count(*) as events_count,
        arg_min(page, act_number) as entry_page,
        arg_max(page, act_number) as exit_page,
        arg_min(referrer, act_number) as referrer,
        arg_min(utm_source, act_number) as utm_source,
        arg_min(utm_medium, act_number) as utm_medium,
        arg_min(utm_campaign, act_number) as utm_campaign,
        arg_min(device, act_number) as device
    from numbered
    group by person_number, visitor_number, visit_number

),

final as (

    select
        md5(concat_ws('|', person_id, visitor, cast(started_at as varchar))) as session_id,
        person_id,
        visitor,
        started_at,
        ended_at,
        cast(epoch(ended_at) - epoch(started_at) as bigint) as duration_seconds,
        page_views_count,
        product_views_count,
        events_count,
        entry_page,
        exit_page,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        device
    from visits

)

select * from final
{% if is_incremental() -%}
-- depends_on: {{ ref('stale_sessions') }}
{%- endif %}

{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'stale_sessions', 'matching': {'session_id': 'session_id'}, 'at': 'session_row'}],
) }}

with acts as (

    select *, {{ visitor('web_events') }} as visitor
    from {{ ref('web_events') }} as web_events
    where type in ('page', 'screen', 'track') and not is_repeat

),

-- Only of what is put together anew are texts taken out.
web_events as (

    select
        acts.*,
        {{ web_texts('acts', 'properties') }} as properties_texts,
        {{ web_texts('acts', 'context') }} as context_texts
    from acts
    {%- if is_incremental() %}
    semi join {{ ref('changed_visitors') }} as changed_visitors
        on acts.visitor = changed_visitors.visitor and acts.occurred_at >= changed_visitors.from_at
    {%- endif %}

),

seen as (

    select *, {{ page_url('web_events') }} as url
    from web_events

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

-- A person's visit happens on one device; without a device, it is the person's. Grouping by numbers is cheaper than by
-- texts, and so is carrying one number instead of when an act was and where it came from.
visited as (

    select
        identity_map.person_id,
        seen.visitor,
        hash(identity_map.person_id) as person_number,
        hash(seen.visitor) as visitor_number,
        cast(epoch_us(seen.occurred_at) as hugeint) * 18446744073709551616 + hash(seen.source, seen.message_id) as place,
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
            seen.identifier = identity_map.identifier
            and {{ also_equal('seen.identifier_type', 'identity_map.identifier_type') }}
    {%- if is_incremental() %}
    inner join {{ ref('changed_visitors') }} as changed_visitors
        on
            identity_map.person_id = changed_visitors.person_id
            and seen.visitor = changed_visitors.visitor
            and seen.occurred_at >= changed_visitors.from_at
    {%- endif %}

),

-- What a visitor does within a stretch as long as the silence that ends a visit is of one visit. So stretches are put
-- in order, and not the acts, which are five times as many.
stretches as (

    select
        person_number,
        visitor_number,
        any_value(person_id) as person_id,
        any_value(visitor) as visitor,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) filter (where is_page_view) as page_views_count,
        count(*) filter (where is_product_view) as product_views_count,
        count(*) as events_count,
        arg_min(page, place) as entry_page,
        arg_max(page, place) as exit_page,
        arg_min(referrer, place) as referrer,
        arg_min(utm_source, place) as utm_source,
        arg_min(utm_medium, place) as utm_medium,
        arg_min(utm_campaign, place) as utm_campaign,
        arg_min(device, place) as device
    from visited
    group by person_number, visitor_number, time_bucket(to_minutes({{ var('session_silence_minutes') }}), occurred_at)

),

begun as (

    select
        *,
        coalesce(
            started_at > {{ plus_interval('lag(ended_at) over visits', var('session_silence_minutes'), 'minute') }},
            true
        ) as is_beginning
    from stretches
    window visits as (
        partition by person_number, visitor_number
        order by started_at
    )

),

numbered as (

    select
        *,
        count(*) filter (where is_beginning) over (
            partition by person_number, visitor_number
            order by started_at
            rows between unbounded preceding and current row
        ) as visit_number
    from begun

),

visits as (

    select
        any_value(numbered.person_id) as person_id,
        any_value(numbered.visitor) as visitor,
        min(numbered.started_at) as started_at,
        max(numbered.ended_at) as ended_at,
        sum(numbered.page_views_count) as page_views_count,
        sum(numbered.product_views_count) as product_views_count,
        sum(numbered.events_count) as events_count,
        arg_min(numbered.entry_page, numbered.started_at) as entry_page,
        arg_max(numbered.exit_page, numbered.started_at) as exit_page,
        arg_min(numbered.referrer, numbered.started_at) as referrer,
        arg_min(numbered.utm_source, numbered.started_at) as utm_source,
        arg_min(numbered.utm_medium, numbered.started_at) as utm_medium,
        arg_min(numbered.utm_campaign, numbered.started_at) as utm_campaign,
        arg_min(numbered.device, numbered.started_at) as device
    from numbered
    group by numbered.person_number, numbered.visitor_number, numbered.visit_number

),

final as (

    select
        md5(concat_ws('|', person_id, visitor, cast(started_at as varchar))) as session_id,
        person_id,
        visitor,
        started_at,
        ended_at,
        cast(epoch(ended_at) - epoch(started_at) as bigint) as duration_seconds,
        cast(page_views_count as bigint) as page_views_count,
        cast(product_views_count as bigint) as product_views_count,
        cast(events_count as bigint) as events_count,
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

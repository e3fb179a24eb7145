{{ config(materialized='view') }}

with source as (

    select *
    from {{ ref('base_mailchimp__events') }}
    where _refusal is null and _copy_number = 1

),

listed as (

    select
        * exclude (event, reason, occurred_at, activity, type),
        unnest({{ mailchimp_activities('activity') }}) as act
    from source
    where type is null

),

events as (

    select
        list_id, campaign_id, email, event, reason, occurred_at, _load_id, _row, _landed_at, _refresh,
        cast(null as varchar) as url
    from source
    where event is not null
    union all
    select
        list_id,
        campaign_id,
        email,
        case act.action
            when 'sent' then 'sent'
            when 'open' then 'opened'
            when 'click' then 'clicked'
            -- Mailchimp tries again after a soft bounce, and cleans the address when it does not end.
            when 'bounce' then case when act.type = 'soft' then 'deferred' else 'bounced' end
            when 'unsub' then 'unsubscribed'
            when 'abuse' then 'complained'
        end as event,
        nullif(act.type, '') as reason,
        {{ to_utc('act.timestamp') }} as occurred_at,
        _load_id,
        _row,
        _landed_at,
        _refresh,
        nullif(act.url, '') as url
    from listed

),

final as (

    select
        md5(concat_ws(
            '|', coalesce(campaign_id, ''), coalesce(list_id, ''), email, event, cast(occurred_at as varchar), coalesce(url, '')
        )) as event_id,
        -- Mailchimp names a recipient by this hash; no message has an id of its own.
        campaign_id || ':' || md5(email) as message_id,
        *
    from events
    where occurred_at <= {{ as_of() }}

)

select * from final

with source as (

    select * from {{ ref('src_sendgrid__events') }}
    where {{ known() }}

),

parsed as (

    select
        *,
        {{ normalised_email('email') }} as given_email,
        coalesce(lower(trim(event)), '') as given_event,
        coalesce({{ from_epoch('"timestamp"') }}, {{ to_utc('"timestamp"') }}) as happened_at
    from source

),

renamed as (

    select
        nullif(trim(sg_event_id), '') as sg_event_id,
        -- Repeats were seen that came with a new sg_event_id (sendgrid-nodejs#1435): what happened is the id.
        md5(concat_ws(
            '|', coalesce(sg_message_id, message_id, sg_event_id), given_event, parsed.timestamp, given_email, coalesce(url, ''),
            coalesce(attempt, '')
        )) as event_id,
        -- Our own id comes back as a custom argument; SendGrid's own is what precedes the dot.
        coalesce(nullif(trim(message_id), ''), nullif(split_part(sg_message_id, '.', 1), '')) as message_id,
        given_email as email,
        case given_event
            when 'processed' then 'queued'
            when 'deferred' then 'deferred'
            when 'delivered' then 'delivered'
            -- A block is a server's refusal of one message: it condemns no address, as a bounce does.
            when 'bounce' then case when lower(type) = 'blocked' then 'rejected' else 'bounced' end
            when 'dropped' then 'rejected'
            when 'open' then 'opened'
            when 'click' then 'clicked'
            when 'spamreport' then 'complained'
            when 'unsubscribe' then 'unsubscribed'
            when 'group_unsubscribe' then 'unsubscribed'
            when 'group_resubscribe' then 'subscribed'
        end as event,
        url,
        coalesce(reason, response) as reason,
        useragent as user_agent,
        given_event = 'open' and {{ is_true('sg_machine_open') }} as is_machine,
        happened_at as occurred_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(sg_event_id), '') is null", "sg_event_id is missing"),
            ("given_event not in ('processed', 'deferred', 'delivered', 'bounce', 'dropped', 'open', 'click', 'spamreport', 'unsubscribe', 'group_unsubscribe', 'group_resubscribe')", "event is no e-mail event of SendGrid"),
            ("not " ~ is_email('given_email'), "email is no address"),
            ("happened_at is null", "timestamp is no number of seconds since 1970"),
        ]) }} as _refusal,
        {{ third_party_copy_number('sendgrid', 'events') }} as _copy_number,
        {{ refresh_of_load() }} as _refresh
    from parsed

)

select * from renamed

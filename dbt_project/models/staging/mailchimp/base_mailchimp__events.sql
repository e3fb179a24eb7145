with source as (

    select * from {{ ref('src_mailchimp__events') }}
    where {{ known() }}

),

parsed as (

    select
        *,
        nullif(lower(trim(type)), '') as webhook,
        {{ json_object_or_null('data') }} as good_data,
        {{ json_list_or_null('activity') }} as good_activity,
        {{ to_utc('fired_at') }} as happened_at
    from source

),

addressed as (

    select
        *,
        case
            when webhook is null then {{ normalised_email('email_address') }}
            else {{ normalised_email("coalesce(good_data ->> '$.email', good_data ->> '$.new_email')") }}
        end as given_email
    from parsed

),

renamed as (

    select
        coalesce(nullif(trim(list_id), ''), good_data ->> '$.list_id') as list_id,
        coalesce(nullif(trim(campaign_id), ''), good_data ->> '$.campaign_id') as campaign_id,
        given_email as email,
        webhook as type,
        -- Other calls (profile, upemail, campaign) tell of no message and no decision.
        case webhook
            when 'subscribe' then 'subscribed'
            when 'unsubscribe' then case when good_data ->> '$.reason' = 'abuse' then 'complained' else 'unsubscribed' end
            when 'cleaned' then case when good_data ->> '$.reason' = 'abuse' then 'complained' else 'bounced' end
        end as event,
        good_data ->> '$.reason' as reason,
        good_activity as activity,
        happened_at as occurred_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("webhook is null and activity is null", "type and activity are missing"),
            ("webhook not in ('subscribe', 'unsubscribe', 'cleaned', 'profile', 'upemail', 'campaign')", "type is no webhook of Mailchimp"),
            ("webhook is not null and good_data is null", "data is no JSON object"),
            ("webhook is not null and happened_at is null", "fired_at is no ISO 8601 time"),
            ("webhook is null and good_activity is null", "activity is no JSON list"),
            ("webhook is null and " ~ mailchimp_unreadable_activities('good_activity') ~ " > 0", "an entry of activity has no known action or no time"),
            ("coalesce(webhook, '') <> 'campaign' and not " ~ is_email('given_email'), "email is no address"),
        ]) }} as _refusal,
        {{ third_party_copy_number('mailchimp', 'events') }} as _copy_number,
        {{ refresh_of_load() }} as _refresh
    from addressed

)

select * from renamed

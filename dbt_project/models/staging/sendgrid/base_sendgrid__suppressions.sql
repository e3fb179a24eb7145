with source as (

    select * from {{ ref('src_sendgrid__suppressions') }}
    where {{ known() }}

),

parsed as (

    select
        *,
        {{ normalised_email('email') }} as given_email,
        coalesce(lower(trim(list)), '') as given_list,
        {{ from_epoch('created') }} as created_at
    from source

),

renamed as (

    select
        given_email as email,
        given_list as list,
        -- A block is a server's refusal of one message: it condemns no address.
        case given_list
            when 'bounces' then 'bounced'
            when 'invalid_emails' then 'bounced'
            when 'spam_reports' then 'complained'
            when 'unsubscribes' then 'unsubscribed'
        end as reason,
        parsed.reason as detail,
        created_at as listed_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("given_list not in ('bounces', 'blocks', 'spam_reports', 'invalid_emails', 'unsubscribes')", "list is no suppression list of SendGrid"),
            ("not " ~ is_email('given_email'), "email is no address"),
            ("created_at is null", "created is no number of seconds since 1970"),
        ]) }} as _refusal,
        {{ third_party_copy_number('sendgrid', 'suppressions') }} as _copy_number,
        {{ refresh_of_load() }} as _refresh
    from parsed

)

select * from renamed

with candidates as (

    select * from {{ ref('candidate_tenures') }}

),

{% if is_refresh_incremental() %}
-- Of the devices that were looked at, as the last refresh left them.
earlier as (

    select *
    from {{ before_refresh('device_tenures') }}
    where anonymous_id in (select anonymous_id from {{ ref('changed_devices') }})

),

new_or_other as (

    select * from candidates
    except
    select * from earlier

),

gone_or_other as (

    select * from earlier
    except
    select * from candidates

),

differing as (

    select anonymous_id from new_or_other
    union
    select anonymous_id from gone_or_other

),

-- A device without a tenure goes by its own id, as its first tenure does.
tenures as (

    select anonymous_id, tenure_id from candidates
    union
    select anonymous_id, tenure_id from earlier
    union
    select anonymous_id, anonymous_id from differing

),

-- What an alias called a user's earlier id turns out to be a device.
aliases as (

    select distinct differing.anonymous_id
    from {{ ref('int_web_events') }} as web_events
    inner join differing
        on web_events.previous_id = differing.anonymous_id
    where web_events.type = 'alias'

),

known_contact_ids as (

    {{ known_contact_ids('select aliases.anonymous_id from aliases') }}

),

final as (

    select
        aliases.anonymous_id,
        'contact_id' as identifier_type,
        aliases.anonymous_id as tenure_id,
        aliases.anonymous_id not in (select known_contact_ids.contact_id from known_contact_ids) as is_seen_anew
    from aliases
    union all
    select differing.anonymous_id, 'anonymous_id', tenures.tenure_id, true
    from differing
    inner join tenures
        on differing.anonymous_id = tenures.anonymous_id

)
{% else %}
final as (

    select anonymous_id, 'anonymous_id' as identifier_type, tenure_id, true as is_seen_anew
    from candidates
    where false

)
{% endif %}

select * from final

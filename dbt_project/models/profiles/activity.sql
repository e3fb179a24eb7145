{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[
        {'changes': 'moved_people', 'matching': {'person_id': 'person_id'}},
        {'changes': 'touched_acts', 'matching': {'activity_id': 'activity_id'}, 'at': 'activity_row'},
    ],
) }}

with identity_map as not materialized (

    select * from {{ ref('identity_map') }}

),

contacts as not materialized (

    select * from {{ ref('contacts') }}

),

consents as not materialized (

    select * from {{ ref('stg_crm__consents') }}

),

crm_activities as not materialized (

    select * from {{ ref('stg_crm__activities') }}

),

orders as (

    select * from {{ ref('orders') }}
    {% if is_incremental() %}
    where _refresh = {{ refresh_number() }}
    {% endif %}

),

web_events as not materialized (

    select * from {{ ref('web_events') }}

),

email_events as not materialized (

    select * from {{ ref('email_events') }}

),

activity_types as (

    select * from {{ ref('activity_types') }}

),

{% if is_incremental() %}
moved as (

    select identity_map.identifier_type, identity_map.identifier
    from identity_map
    inner join {{ ref('moved_people') }} as moved_people
        on identity_map.person_id = moved_people.person_id

),

{% endif %}
-- Two sources may tell of the same message.
web_news as {{ read_anew() }} (

    select *
    from {{ news_and_moved('web_events', 'web_events._refresh = ' ~ refresh_number(), 'web_events.identifier_type', 'web_events.identifier') }}
    where type in ('page', 'screen', 'track') and not is_repeat

),

repeated_hashes as (

    {{ repeated_hashes('web_news', ['message_id']) }}

),

told_twice as (

    select message_id
    from web_news
    where hash(message_id) in (select repeated_hashes.key_hash from repeated_hashes)
    group by message_id
    having count(*) > 1

),

-- Each act under the identifier that it came with; the map below finds the person.
crm_acts as (

    select
        'signed_up' as activity,
        'contact_id' as identifier_type,
        contact_id as identifier,
        signed_up_at as occurred_at,
        contact_id as source_id,
        contact_id as subject,
        cast(null as varchar) as campaign,
        cast(null as varchar) as properties
    from {{ news_and_moved('contacts', 'contacts._refresh = ' ~ refresh_number(), "'contact_id'", 'contacts.contact_id') }}
    union all
    select
        'consent_' || action, case when contact_id is null then 'email' else 'contact_id' end,
        coalesce(contact_id, email), occurred_at, null, purpose, null, null
    from {{ news_and_moved(
        'consents', is_news('consents', 'occurred_at'),
        "case when consents.contact_id is null then 'email' else 'contact_id' end",
        'coalesce(consents.contact_id, consents.email)',
    ) }}
    union all
    select
        activity, case when contact_id is null then 'email' else 'contact_id' end,
        coalesce(contact_id, email), occurred_at, null, properties, properties ->> '$.campaign', properties
    from {{ news_and_moved(
        'crm_activities', is_news('crm_activities', 'occurred_at'),
        "case when crm_activities.contact_id is null then 'email' else 'contact_id' end",
        'coalesce(crm_activities.contact_id, crm_activities.email)',
    ) }}

),

web_acts as {{ read_anew() }} (

    select
        case
            when type = 'page' then 'page_viewed'
            when type = 'screen' then 'screen_viewed'
            else event
        end as activity,
        identifier_type,
        identifier,
        occurred_at,
        message_id,
        properties ->> '$.product_id' as product_id,
        properties
    from web_news

),

email_acts as (

    select
        case
            when event in ('opened', 'clicked') and is_machine then 'email_' || event || '_by_machine'
            else 'email_' || event
        end as activity,
        email,
        occurred_at,
        event_id,
        campaign
    from {{ news_and_moved('email_events', 'email_events._refresh = ' ~ refresh_number(), "'email'", 'email_events.email') }}
    where event in ('opened', 'clicked', 'unsubscribed', 'complained')

),

crm_found as (

    select crm_acts.*, identity_map.person_id
    from crm_acts
    inner join identity_map
        on
            crm_acts.identifier = identity_map.identifier
            and {{ also_equal('crm_acts.identifier_type', 'identity_map.identifier_type') }}

),

web_found as {{ read_anew() }} (

    select web_acts.*, identity_map.person_id
    from web_acts
    inner join identity_map
        on
            web_acts.identifier = identity_map.identifier
            and {{ also_equal('web_acts.identifier_type', 'identity_map.identifier_type') }}

),

once as (

    select 'crm' as channel, activity, person_id, occurred_at, source_id, subject, null as product_id, campaign, properties
    from crm_found
    qualify row_number() over (partition by activity, person_id, occurred_at, subject order by campaign) = 1
    union all
    select 'web', activity, person_id, occurred_at, message_id, message_id, product_id, null, properties
    from web_found
    where message_id not in (select told_twice.message_id from told_twice)
    union all
    select 'web', activity, person_id, occurred_at, message_id, message_id, product_id, null, properties
    from web_found
    where message_id in (select told_twice.message_id from told_twice)
    qualify row_number() over (partition by message_id, activity, person_id, occurred_at order by product_id, properties) = 1
    union all
    select 'email', email_acts.activity, identity_map.person_id, email_acts.occurred_at, email_acts.event_id, email_acts.event_id, null, email_acts.campaign, null
    from email_acts
    inner join identity_map
        on email_acts.email = identity_map.identifier and identity_map.identifier_type = 'email'
    union all
    select
        'shop',
        case when is_purchase then 'order_placed' else 'order_' || status end,
        person_id,
        ordered_at,
        order_id,
        order_id,
        null,
        null,
        null
    from orders

),

told as (

    select
        md5(concat_ws('|', once.channel, once.activity, once.person_id, once.subject, epoch_us(once.occurred_at))) as activity_id,
        once.person_id,
        once.channel,
        once.activity,
        once.occurred_at,
        once.product_id,
        once.campaign,
        once.properties,
        once.source_id,
        coalesce(activity_types.is_active_act, true) as is_active_act,
        coalesce(activity_types.is_engagement, true) as is_engagement
    from once
    left join activity_types
        on once.activity = activity_types.activity

),

{% if is_incremental() %}
-- What nothing marks as changed may be told once more.
told_unmarked as (

    select activity_id
    from told
    where channel = 'crm' and source_id is null

),

told_before as (

    select activity_id
    from {{ this }}
    where
        channel = 'crm'
        and source_id is null
        and activity_id in (select told_unmarked.activity_id from told_unmarked)
        and person_id not in (select moved_people.person_id from {{ ref('moved_people') }} as moved_people)

),

{% endif %}
final as (

    select told.*
    from told
    {% if is_incremental() %}
    -- The changed people and visitors are named from what is here before this:
    -- depends_on: {{ ref('changed_people') }}, {{ ref('changed_visitors') }}
    left join told_before
        on told.activity_id = told_before.activity_id
    where told_before.activity_id is null
    {% endif %}

)

select * from final

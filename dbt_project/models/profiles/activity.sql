with identity_map as (

    select * from {{ ref('identity_map') }}

),

contacts as (

    select * from {{ ref('contacts') }}

),

consents as (

    select * from {{ ref('stg_crm__consents') }}

),

crm_activities as (

    select * from {{ ref('stg_crm__activities') }}

),

orders as (

    select * from {{ ref('orders') }}

),

web_events as (

    select * from {{ ref('web_events') }}

),

esp_events as (

    select * from {{ ref('email_events') }}

),

activity_types as (

    select * from {{ ref('activity_types') }}

),

-- Each act under the identifier that it came with; the map below finds the person.
acts as (

    select
        'crm' as channel,
        'signed_up' as activity,
        'contact_id' as identifier_type,
        contact_id as identifier,
        signed_up_at as occurred_at,
        contact_id as source_id,
        cast(null as varchar) as product_id,
        cast(null as varchar) as campaign,
        cast(null as varchar) as properties
    from contacts
    union all
    select
        'crm', 'consent_' || action, case when contact_id is null then 'email' else 'contact_id' end,
        coalesce(contact_id, email), occurred_at, purpose, null, null, null
    from consents
    union all
    select
        'crm', activity, case when contact_id is null then 'email' else 'contact_id' end,
        coalesce(contact_id, email), occurred_at, properties, null, properties ->> '$.campaign', properties
    from crm_activities
    union all
    select
        'web',
        case
            when type = 'page' then 'page_viewed'
            when type = 'screen' then 'screen_viewed'
            else event
        end,
        identifier_type, identifier, occurred_at, message_id, properties ->> '$.product_id', null, properties
    from web_events
    where type in ('page', 'screen', 'track')
    union all
    select
        'email',
        case
            when event = 'opened' and is_machine then 'email_opened_by_machine'
            else 'email_' || event
        end,
        'email', email, occurred_at, event_id, null, campaign, null
    from esp_events
    where event in ('opened', 'clicked', 'unsubscribed', 'complained')

),

found as (

    select acts.* exclude (identifier_type, identifier), identity_map.person_id
    from acts
    inner join identity_map
        on
            acts.identifier_type = identity_map.identifier_type
            and acts.identifier = identity_map.identifier
    union all
    select
        'shop' as channel,
        case when is_purchase then 'order_placed' else 'order_' || status end as activity,
        ordered_at as occurred_at,
        order_id as source_id,
        null as product_id,
        null as campaign,
        null as properties,
        person_id
    from orders

),

final as (

    select
        md5(concat_ws('|', found.channel, found.activity, found.person_id, found.source_id, cast(found.occurred_at as varchar))) as activity_id,
        found.person_id,
        found.channel,
        found.activity,
        found.occurred_at,
        found.product_id,
        found.campaign,
        found.properties,
        coalesce(activity_types.is_active_act, true) as is_active_act,
        coalesce(activity_types.is_engagement, true) as is_engagement,
        row_number() over (
            partition by
                found.channel, found.activity, found.person_id, found.source_id, found.occurred_at
            order by found.campaign, found.product_id
        ) as repetition
    from found
    left join activity_types
        on found.activity = activity_types.activity

)

select * exclude (repetition)
from final
where repetition = 1

-- What was planned by an earlier run passes the gates of consent and suppression once more before it leaves.
with planned as (

    select * from {{ ref('stg_outbox__messages') }}
    where state = 'planned'

),

campaigns as (

    select * from {{ source('raw', 'campaigns') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}
    where identifier_type = 'email'

),

contactability as (

    select * from {{ ref('contactability') }}

),

consents as (

    select * from {{ ref('consents') }}

),

events as (

    select * from {{ ref('events') }}

),

invited as (

    select message_id, unnest(from_json(decisions, '[{"slot": "varchar", "choice": "varchar"}]')) as decision
    from planned

),

-- An event that has begun since, was filled up or called off invites nobody any longer.
uninvited as (

    select invited.message_id
    from invited
    left join events
        on invited.decision.choice = events.event_id
    where invited.decision.slot = 'event' and not coalesce(events.is_open, false)

),

purposes as (

    select campaign, min(purpose) as purpose
    from campaigns
    group by campaign

),

judged as (

    select
        planned.message_id,
        case
            when identity_map.person_id is null or contactability.person_id is null then 'deleted'
            when contactability.is_deleted then 'deleted'
            when contactability.suppression_reason is not null then 'suppressed'
            when not coalesce(consents.is_granted, false) then 'no_consent'
            when uninvited.message_id is not null then 'no_event'
        end as reason
    from planned
    left join uninvited
        on planned.message_id = uninvited.message_id
    left join purposes
        on planned.campaign = purposes.campaign
    left join identity_map
        on planned.email = identity_map.identifier
    left join contactability
        on identity_map.person_id = contactability.person_id
    left join consents
        on identity_map.person_id = consents.person_id and purposes.purpose = consents.purpose

),

final as (

    select message_id, reason
    from judged
    where reason is not null

)

select * from final

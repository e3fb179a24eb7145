{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    unique_key='message_id',
    stale=[{'changes': 'gone_journey_messages', 'matching': {'message_id': 'message_id'}}],
) }}

with messages as (

    select * from {{ ref('stg_outbox__messages') }}

),

identity_map as not materialized (

    select * from {{ ref('identity_map') }}

),

journeys as (

    select * from {{ source('raw', 'journeys') }}

),

-- Two people may have become one since: whose address it is, else whose identifier the old id is named for.
people_by_email as (

    select identifier as email, person_id
    from identity_map
    where identifier_type = 'email'

),

people_by_old_id as (

    select {{ person_id('identity_map') }} as old_person_id, person_id
    from identity_map

),

found as (

    select
        messages.message_id,
        journeys.journey,
        split_part(messages.occurrence, ':', 2) as step,
        {{ from_compact_utc("split_part(messages.occurrence, ':', 3)") }} as entered_at,
        coalesce(people_by_email.person_id, people_by_old_id.person_id, messages.person_id) as person_id,
        messages.state,
        messages.planned_at
    from messages
    inner join journeys
        on split_part(messages.occurrence, ':', 1) = journeys.journey
    left join people_by_email
        on messages.email = people_by_email.email
    left join people_by_old_id
        on messages.person_id = people_by_old_id.old_person_id
    where
        messages.occurrence like '%:%:%'
        and {{ from_compact_utc("split_part(messages.occurrence, ':', 3)") }} is not null

),

-- All of the outbox is looked at, for whose a message is may change with the person; what differs is written.
final as (

    select found.*
    from found
    {%- if is_incremental() %}
    except
    select message_id, journey, step, entered_at, person_id, state, planned_at
    from {{ this }}
    {%- endif %}

)

select *, {{ refresh_number() }} as _refresh from final
{% if is_incremental() -%}
-- depends_on: {{ ref('gone_journey_messages') }}
{%- endif %}

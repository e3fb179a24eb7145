{{ config(materialized='view') }}
with members as (

    select * from {{ ref('audience_members') }}

),

in_doubt as (

    select * from {{ ref('audiences_in_doubt') }}

),

campaigns as (

    select * from {{ source('raw', 'campaigns') }}

),

pacing as (

    select * from {{ source('raw', 'campaign_pacing') }}

),

controls as (

    select * from {{ source('raw', 'campaign_controls') }}

),

variants as (

    select * from {{ source('raw', 'campaign_variants') }}

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

contactability as (

    select * from {{ ref('contactability') }}

),

consents as (

    select * from {{ ref('consents') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

outbox as (

    select * from {{ ref('stg_outbox__messages') }}

),

invitations as (

    select * from {{ ref('event_invitations') }}

),

inviting as (

    select campaign
    from campaigns
    where uses_events
    group by campaign

),

deferrals as (

    select * from {{ ref('stg_outbox__deferrals') }}

),

left_out as (

    select campaigns.campaign, memberships.person_id, min(memberships.segment) as segment
    from campaigns
    inner join memberships
        on campaigns.segment = memberships.segment
    where campaigns.role = 'exclude'
    group by campaigns.campaign, memberships.person_id

),

-- What is known of the messages that it may be about; all the others that were ever sent are left alone.
planned as (

    select outbox.message_id, outbox.campaign, outbox.occurrence, outbox.person_id, outbox.email, outbox.state, outbox.error
    from outbox
    where
        outbox.occurrence like '%:%:%'
        or (outbox.campaign, outbox.occurrence) in (
            select (campaigns.campaign, campaigns.occurrence) from campaigns
            union all
            select (deferrals.campaign, deferrals.occurrence) from deferrals
            where deferrals.expires_at > {{ ago(7) }}
        )

),

choices as (

    select campaign, count(*) as variants_count
    from variants
    group by campaign

),

-- Whoever got the occurrence under an id that they no longer have got it.
written_to as (

    select planned.campaign, planned.occurrence, identity_map.person_id
    from planned
    inner join identity_map
        on planned.email = identity_map.identifier and identity_map.identifier_type = 'email'
    where planned.state <> 'held_out' and planned.person_id <> identity_map.person_id
    group by planned.campaign, planned.occurrence, identity_map.person_id

),

pauses as (

    select campaign
    from controls
    where control = 'paused'
    group by campaign

),

cancellations as (

    select campaign, occurrence
    from controls
    where control = 'cancelled'

),

-- A message is planned once, ever: one that did not leave then, or was withdrawn, does not leave later either.
decided as (

    select
        message_id,
        state in ('planned', 'sending', 'accepted', 'unknown') as is_planned,
        case when state = 'rejected' then coalesce(error, 'rejected') end as rejection
    from planned

),

-- Assignment hangs on the person alone, salted, so that it is stable and independent between campaigns.
drawn as (

    select
        members.*,
        contactability.email,
        contactability.suppression_reason,
        contactability.is_deleted,
        coalesce(consents.is_granted, false) as has_consent,
        left_out.segment as excluding_segment,
        coalesce(campaigns_in_doubt.segment, journeys_in_doubt.segment) as failed_segment,
        written_to.person_id is not null as is_written_to,
        coalesce(decided.is_planned, false) as is_planned,
        decided.rejection,
        pauses.campaign is not null as is_paused,
        coalesce(cancellations.campaign, present_cancellations.campaign) is not null as is_cancelled,
        pacing.sender_domain,
        pacing.cap_per_day,
        pacing.cap_per_week,
        coalesce(pacing.ignores_caps, false) as ignores_caps,
        pacing.quiet_from_hour,
        pacing.quiet_until_hour,
        pacing.send_from_hour,
        pacing.send_until_hour,
        pacing.lifetime_seconds,
        deferrals.due_at as deferred_due_at,
        inviting.campaign is not null and invitations.person_id is null as lacks_event,
        {{ is_global_holdout('members.person_id') }} as is_global_holdout,
        {{ is_campaign_holdout('members.campaign', 'members.person_id', 'members.holdout_share') }} as is_campaign_holdout,
        case
            when choices.variants_count > 1 then {{ hash_unit(["'variant'", 'members.campaign', 'members.person_id']) }}
            else 0
        end as variant_draw
    from members
    left join contactability
        on members.person_id = contactability.person_id
    left join consents
        on members.person_id = consents.person_id and members.purpose = consents.purpose
    left join left_out
        on members.campaign = left_out.campaign and members.person_id = left_out.person_id
    left join in_doubt as campaigns_in_doubt
        on campaigns_in_doubt.kind = 'campaign' and members.campaign = campaigns_in_doubt.name
    left join in_doubt as journeys_in_doubt
        on journeys_in_doubt.kind = 'journey' and members.journey = journeys_in_doubt.name
    left join written_to
        on
            members.campaign = written_to.campaign
            and members.occurrence = written_to.occurrence
            and members.person_id = written_to.person_id
    left join decided
        on members.message_id = decided.message_id
    left join deferrals
        on members.message_id = deferrals.message_id
    left join pacing
        on members.campaign = pacing.campaign
    left join inviting
        on members.campaign = inviting.campaign
    left join invitations
        on members.person_id = invitations.person_id
    left join choices
        on members.campaign = choices.campaign
    left join pauses
        on members.campaign = pauses.campaign
    left join cancellations
        on members.campaign = cancellations.campaign and members.occurrence = cancellations.occurrence
    left join cancellations as present_cancellations
        on
            members.campaign = present_cancellations.campaign
            and members.present_occurrence = present_cancellations.occurrence

),

judged as (

    select
        *,
        case
            when is_planned then null
            when rejection in ('expired', 'cancelled') then rejection
            when rejection is not null then 'rejected'
            when is_written_to then 'already_written_to'
            when failed_segment is not null then 'segment_failed'
            -- What kept somebody from a step when it was due is not undone by what holds today.
            when step_reason is not null then step_reason
            when excluding_segment is not null then 'excluded_segment'
            when is_deleted then 'deleted'
            when email is null then 'no_address'
            when not {{ is_mailable('email') }} then 'invalid_address'
            when suppression_reason is not null then 'suppressed'
            when not has_consent then 'no_consent'
            -- Before the hold-outs: who could not be invited is nobody to compare the invited with.
            when lacks_event then 'no_event'
            when is_global_holdout then 'global_holdout'
            when is_campaign_holdout then 'campaign_holdout'
            when is_cancelled then 'cancelled'
        end as exclusion_reason
    from drawn

),

final as (

    select
        judged.message_id,
        judged.campaign,
        judged.occurrence,
        judged.occurrence <> judged.present_occurrence as is_carried_over,
        judged.person_id,
        judged.email,
        judged.segment,
        judged.purpose,
        judged.priority,
        variants.variant,
        coalesce(judged.exclusion_reason in ('global_holdout', 'campaign_holdout'), false) as is_holdout,
        judged.is_planned,
        judged.is_paused,
        judged.exclusion_reason,
        case judged.exclusion_reason
            when 'segment_failed' then judged.failed_segment
            when 'excluded_segment' then judged.excluding_segment
            when 'suppressed' then judged.suppression_reason
            when 'no_consent' then judged.purpose
            when 'rejected' then judged.rejection
        end as exclusion_detail,
        judged.journey,
        judged.step,
        judged.step_due_at,
        judged.step_deadline_at,
        judged.deferred_due_at,
        judged.sender_domain,
        judged.cap_per_day,
        judged.cap_per_week,
        judged.ignores_caps,
        judged.quiet_from_hour,
        judged.quiet_until_hour,
        judged.send_from_hour,
        judged.send_until_hour,
        judged.lifetime_seconds
    from judged
    left join variants
        on
            judged.campaign = variants.campaign
            and judged.variant_draw >= variants.from_share
            and judged.variant_draw < variants.to_share

)

select * from final

with hours as (

    select * from {{ ref('message_hours') }}

),

caps as (

    select * from {{ ref('message_caps') }}

),

engagement as (

    select * from {{ ref('engagement_levels') }}

),

outbox as (

    select * from {{ ref('stg_outbox__messages') }}
    where state in ('planned', 'sending', 'accepted', 'unknown')

),

pacing as (

    select * from {{ source('raw', 'campaign_pacing') }}

),

warm_up_days as (

    {{ warm_up_days() }}

),

timed as (

    select
        hours.*,
        caps.is_capped,
        caps.capped_by,
        case
            when hours.exclusion_reason is not null then hours.exclusion_reason
            when hours.is_planned then null
            when hours.expires_at <= coalesce(hours.not_before, {{ as_of() }}) then 'expired'
            when hours.is_paused then 'paused'
            when caps.is_capped then 'capped'
        end as reason
    from hours
    left join caps
        on hours.message_id = caps.message_id

),

-- What has left, or will, on a day of the schedule under the new domain.
used as (

    select warm_up_days.sender_domain, warm_up_days.day_on, count(*) as messages_count
    from warm_up_days
    inner join pacing
        on warm_up_days.sender_domain = pacing.sender_domain
    inner join outbox
        on
            pacing.campaign = outbox.campaign
            and warm_up_days.day_on
            = cast(coalesce(outbox.accepted_at, greatest(outbox.planned_at, outbox.not_before), outbox.planned_at) as date)
    group by warm_up_days.sender_domain, warm_up_days.day_on

),

-- The most engaged first: what they do with it is what a new domain is judged by.
warming as (

    select
        timed.message_id,
        row_number() over (
            partition by warm_up_days.sender_domain, warm_up_days.day_on
            order by
                case engagement.engagement_level when 'highly_engaged' then 1 when 'active' then 2 else 3 end,
                engagement.recent_acts_count desc,
                timed.priority desc,
                timed.message_id
        ) > warm_up_days.allowance - coalesce(used.messages_count, 0) as is_over
    from timed
    inner join warm_up_days
        on
            timed.sender_domain = warm_up_days.sender_domain
            and cast(coalesce(timed.not_before, {{ as_of() }}) as date) = warm_up_days.day_on
    left join used
        on warm_up_days.sender_domain = used.sender_domain and warm_up_days.day_on = used.day_on
    left join engagement
        on timed.person_id = engagement.person_id
    where timed.reason is null and not timed.is_planned

),

judged as (

    select
        timed.*,
        coalesce(timed.reason, case when warming.is_over then 'warm_up' end) as final_reason
    from timed
    left join warming
        on timed.message_id = warming.message_id

),

final as (

    select
        message_id,
        campaign,
        occurrence,
        person_id,
        email,
        segment,
        purpose,
        priority,
        variant,
        is_holdout,
        is_planned,
        coalesce(final_reason in ('paused', 'capped', 'warm_up'), false) as is_deferred,
        final_reason as exclusion_reason,
        case final_reason
            when 'expired' then case when expires_at > {{ as_of() }} and is_in_quiet_hours then 'quiet_hours' end
            when 'capped' then capped_by
            when 'warm_up' then sender_domain
            else exclusion_detail
        end as exclusion_detail,
        journey,
        step,
        due_at,
        not_before,
        expires_at,
        quiet_hours,
        is_carried_over
    from judged

)

select * from final

with messages as (

    select * from {{ ref('email_messages') }}
    where not coalesce(is_holdout, false) and sent_at > {{ ago(var('complaint_days')) }} and sent_at <= {{ as_of() }}

),

events as (

    select * from {{ ref('email_events') }}

),

reactions as (

    select
        message_id,
        count(*) filter (where event = 'delivered') > 0 as is_delivered,
        count(*) filter (where event in ('bounced', 'rejected')) > 0 as is_refused,
        count(*) filter (where event = 'complained') > 0 as is_complained
    from events
    group by message_id

),

counted as (

    select
        messages.campaign,
        count(*) filter (where reactions.is_delivered) as reported_count,
        count(*) filter (where not coalesce(reactions.is_refused, false)) as presumed_count,
        count(*) filter (where reactions.is_complained) as complaints
    from messages
    left join reactions
        on messages.message_id = reactions.message_id
    group by messages.campaign

),

-- Where nobody reports deliveries, what was sent and not refused counts as delivered.
rated as (

    select
        campaign,
        case when reported_count > 0 then reported_count else presumed_count end as delivered,
        complaints
    from counted

),

levelled as (

    select
        campaign,
        delivered,
        complaints,
        case when delivered > 0 then complaints * 1.0 / delivered end as complaint_rate,
        delivered >= {{ var('complaint_min_delivered') }}
        and complaints >= {{ var('complaint_min_complaints') }} as is_conclusive
    from rated

),

final as (

    select
        campaign,
        delivered,
        complaints,
        cast(complaint_rate as double) as complaint_rate,
        coalesce(is_conclusive and complaint_rate > {{ var('complaint_rate_limit') }}, false) as is_paused,
        coalesce(is_conclusive and complaint_rate > {{ var('complaint_rate_warning') }}, false) as is_warned,
        case
            when is_conclusive and complaint_rate > {{ var('complaint_rate_warning') }}
                then
                    cast(complaints as varchar) || ' of ' || cast(delivered as varchar) || ' who got it in the last '
                    || '{{ var("complaint_days") }} days complained: '
                    || cast(cast(100 * complaint_rate as decimal(9, 2)) as varchar) || ' %, more than '
                    || case
                        when complaint_rate > {{ var('complaint_rate_limit') }}
                            then '{{ 100 * var("complaint_rate_limit") }} % (complaint_rate_limit)'
                        else '{{ 100 * var("complaint_rate_warning") }} % (complaint_rate_warning)'
                    end
        end as reason
    from levelled

)

select * from final

with steps as (

    select * from {{ source('raw', 'journey_steps') }}

),

campaigns as (

    select * from {{ source('raw', 'campaigns') }}

),

sent_campaigns as (

    select campaign, purpose, priority, holdout_share
    from campaigns
    group by campaign, purpose, priority, holdout_share

),

final as (

    select
        steps.journey,
        steps.step,
        steps.step_number,
        steps.campaign,
        sent_campaigns.purpose,
        sent_campaigns.priority,
        sent_campaigns.holdout_share,
        steps.at_most_late_seconds,
        steps.otherwise,
        sum(steps.wait_seconds) over (partition by steps.journey order by steps.step_number) as offset_seconds,
        steps.step_number = max(steps.step_number) over (partition by steps.journey) as is_last
    from steps
    left join sent_campaigns
        on steps.campaign = sent_campaigns.campaign

)

select * from final

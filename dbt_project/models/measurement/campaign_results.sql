with outcomes as (

    select * from {{ ref('message_outcomes') }}
    where sent_at is not null

),

final as (

    select
        campaign,
        variant,
        count(*) as recipients,
        count(*) filter (where is_delivered) as delivered,
        count(*) filter (where is_opened) as unique_opens,
        count(*) filter (where is_opened_by_human) as unique_human_opens,
        count(*) filter (where is_clicked) as unique_clicks,
        count(*) filter (where is_clicked_by_human) as unique_human_clicks,
        count(*) filter (where is_credited) as conversions,
        cast(sum(credited_amount) as decimal(18, 2)) as revenue_amount,
        count(*) filter (where is_unsubscribed) as unsubscribes,
        count(*) filter (where is_complained) as complaints
    from outcomes
    group by campaign, variant

)

select * from final

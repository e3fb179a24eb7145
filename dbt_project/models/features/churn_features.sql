{%- set horizon = var('churn_horizon_days') -%}
{%- set quiet = 'case when gap_days > ' ~ horizon ~ ' then gap_days - ' ~ horizon ~ ' else 0 end' -%}
-- Sums of floats are rounded: their last digits depend on the order in which rows are added.
-- Nothing at or after the cutoff is seen: a window of n days reaches from n days before it up to it.
with people as {{ read_anew() }} (

    select * from {{ ref('churn_people') }}

),

acts as (

    select * from {{ ref('churn_acts') }}

),

orders as (

    select * from {{ ref('orders') }}

),

product_firsts as (

    select * from {{ ref('churn_product_firsts') }}

),

days as (

    select * from {{ ref('churn_days') }}

),

-- The only date arithmetic with acts: all that follows counts in days before the cutoff.
acts_before as (

    select
        people.cutoff,
        people.person_id,
        acts.gap_days,
        {{ days_between('acts.acted_at', 'people.cutoff') }} as days_ago,
        {{ days_between('max(acts.acted_at) over (partition by people.cutoff, people.person_id)', 'people.cutoff') }} as recency_days
    from people
    inner join acts
        on people.person_id = acts.person_id and people.cutoff > acts.acted_at

),

act_totals as (

    select
        cutoff,
        person_id,
        min(days_ago) as recency_days,
        max(days_ago) as tenure_days,
        count(*) as acts_count,
        count(case when days_ago <= 7 then 1 end) as acts_7d_count,
        count(case when days_ago <= 14 then 1 end) as acts_14d_count,
        count(case when days_ago <= 28 then 1 end) as acts_28d_count,
        count(case when days_ago <= 56 then 1 end) as acts_56d_count,
        count(case when days_ago <= 90 then 1 end) as acts_90d_count,
        count(case when days_ago <= 180 then 1 end) as acts_180d_count,
        count(distinct case when days_ago <= 84 then floor(days_ago / 7) end) as active_weeks_84d_count,
        -- An act counts half after so many days, a quarter after twice as many.
        round(sum(power(0.5, days_ago / 15)), 6) as decayed_acts_15d_count,
        round(sum(power(0.5, days_ago / 30)), 6) as decayed_acts_30d_count,
        round(sum(power(0.5, days_ago / 60)), 6) as decayed_acts_60d_count,
        round(avg(gap_days), 6) as mean_gap_days,
        round(stddev_samp(gap_days), 6) as sd_gap_days,
        max(case when days_ago <= 90 then gap_days end) as longest_gap_90d_days,
        -- The usual gap of late: a gap that ended 30 days ago counts half.
        round(
            sum(gap_days * power(0.5, days_ago / 30))
            / nullif(sum(case when gap_days is not null then power(0.5, days_ago / 30) end), 0),
            6
        ) as recent_gap_days,
        -- How many earlier silences lasted longer than this one does so far, and of them, a horizon longer.
        count(case when gap_days > recency_days then 1 end) as longer_gaps_count,
        count(case when gap_days > recency_days + {{ var('churn_horizon_days') }} then 1 end) as far_longer_gaps_count,
        count(gap_days) as gaps_count,
        -- Days on which a cutoff would have been followed by a horizon without an act.
        round(sum({{ quiet }}), 6) as quiet_days,
        round(sum({{ quiet }} * power(0.5, days_ago / 60)), 6) as recent_quiet_days
    from acts_before
    group by cutoff, person_id

),

spending as (

    select
        people.cutoff,
        people.person_id,
        orders.order_id,
        orders.ordered_at,
        orders.net_amount,
        {{ days_between('orders.ordered_at', 'people.cutoff') }} as days_ago
    from people
    inner join orders
        on people.person_id = orders.person_id and people.cutoff > orders.ordered_at

),

spending_totals as (

    select
        cutoff,
        person_id,
        sum(case when days_ago <= 28 then net_amount else 0 end) as spent_28d_amount,
        sum(case when days_ago <= 90 then net_amount else 0 end) as spent_90d_amount,
        round(sum(cast(net_amount as double) * power(0.5, days_ago / 30)), 4) as decayed_spent_amount,
        round(avg(net_amount), 6) as average_order_amount,
        -- Of two orders of one instant, the greater id is the last.
        max_by(net_amount, (ordered_at, order_id)) as last_order_amount
    from spending
    group by cutoff, person_id

),

product_totals as (

    select
        people.cutoff,
        people.person_id,
        sum(product_firsts.products_count) as products_count,
        sum(
            case
                when product_firsts.first_ordered_at >= {{ minus_interval('people.cutoff', 28) }}
                    then product_firsts.products_count
                else 0
            end
        ) as new_products_28d_count
    from people
    inner join product_firsts
        on people.person_id = product_firsts.person_id and people.cutoff > product_firsts.first_ordered_at
    group by people.cutoff, people.person_id

),

-- Days of UTC: for a cutoff at midnight the windows are exact, for another they are up to a day short.
day_totals as (

    select
        people.cutoff,
        people.person_id,
        count(
            case
                when days.web_acts_count > 0 and cast(days.occurred_on as timestamp) >= {{ minus_interval('people.cutoff', 7) }}
                    then 1
            end
        ) as visit_days_7d_count,
        count(
            case
                when days.web_acts_count > 0 and cast(days.occurred_on as timestamp) >= {{ minus_interval('people.cutoff', 28) }}
                    then 1
            end
        ) as visit_days_28d_count,
        count(case when days.web_acts_count > 0 then 1 end) as visit_days_90d_count,
        sum(days.messages_count) as messages_90d_count,
        sum(days.opens_count) as opens_90d_count,
        sum(days.clicks_count) as clicks_90d_count,
        sum(days.coupons_count) as coupons_90d_count,
        date_diff(
            'day', max(case when days.messages_count > 0 then days.occurred_on end), cast(people.cutoff as date)
        ) as message_recency_days,
        date_diff(
            'day', max(case when days.opens_count > 0 then days.occurred_on end), cast(people.cutoff as date)
        ) as open_recency_days,
        date_diff(
            'day', max(case when days.web_acts_count > 0 then days.occurred_on end), cast(people.cutoff as date)
        ) as visit_recency_days
    from people
    inner join days
        on
            people.person_id = days.person_id
            and people.cutoff > cast(days.occurred_on as timestamp)
            and {{ minus_interval('people.cutoff', 90) }} <= cast(days.occurred_on as timestamp)
    group by people.cutoff, people.person_id

),

final as (

    select
        people.person_id,
        people.cutoff,
        people.split,
        act_totals.recency_days,
        act_totals.tenure_days,
        act_totals.acts_count,
        act_totals.acts_7d_count,
        act_totals.acts_14d_count,
        act_totals.acts_28d_count,
        act_totals.acts_56d_count,
        act_totals.acts_90d_count,
        act_totals.acts_180d_count,
        act_totals.acts_count / (act_totals.tenure_days + 1) as acts_per_day,
        2 * act_totals.acts_28d_count - act_totals.acts_56d_count as trend_28d_count,
        act_totals.active_weeks_84d_count,
        act_totals.decayed_acts_15d_count,
        act_totals.decayed_acts_30d_count,
        act_totals.decayed_acts_60d_count,
        act_totals.mean_gap_days,
        act_totals.sd_gap_days,
        act_totals.longest_gap_90d_days,
        act_totals.recent_gap_days,
        act_totals.recency_days / (act_totals.mean_gap_days + 1) as recency_gap_ratio,
        act_totals.recency_days / (act_totals.recent_gap_days + 1) as recency_recent_gap_ratio,
        (act_totals.longer_gaps_count + 0.5) / (act_totals.gaps_count + 1) as longer_gaps_share,
        (act_totals.far_longer_gaps_count + 0.15) / (act_totals.longer_gaps_count + 1) as far_longer_gaps_share,
        act_totals.quiet_days / (act_totals.tenure_days + 1) as quiet_share,
        act_totals.recent_quiet_days / (act_totals.tenure_days + 1) as recent_quiet_share,
        coalesce(spending_totals.spent_28d_amount, 0) as spent_28d_amount,
        coalesce(spending_totals.spent_90d_amount, 0) as spent_90d_amount,
        coalesce(spending_totals.decayed_spent_amount, 0) as decayed_spent_amount,
        spending_totals.average_order_amount,
        spending_totals.last_order_amount,
        coalesce(product_totals.products_count, 0) as products_count,
        coalesce(product_totals.new_products_28d_count, 0) as new_products_28d_count,
        coalesce(day_totals.visit_days_7d_count, 0) as visit_days_7d_count,
        coalesce(day_totals.visit_days_28d_count, 0) as visit_days_28d_count,
        coalesce(day_totals.visit_days_90d_count, 0) as visit_days_90d_count,
        day_totals.visit_recency_days,
        coalesce(day_totals.messages_90d_count, 0) as messages_90d_count,
        coalesce(day_totals.opens_90d_count, 0) as opens_90d_count,
        coalesce(day_totals.clicks_90d_count, 0) as clicks_90d_count,
        coalesce(day_totals.coupons_90d_count, 0) as coupons_90d_count,
        day_totals.message_recency_days,
        day_totals.open_recency_days
    from people
    inner join act_totals
        on people.cutoff = act_totals.cutoff and people.person_id = act_totals.person_id
    left join spending_totals
        on people.cutoff = spending_totals.cutoff and people.person_id = spending_totals.person_id
    left join product_totals
        on people.cutoff = product_totals.cutoff and people.person_id = product_totals.person_id
    left join day_totals
        on people.cutoff = day_totals.cutoff and people.person_id = day_totals.person_id

)

select * from final

-- Nothing at or after the cutoff is seen: a window of n days reaches from n days before it up to it.
with cutoffs as (


    select * from {{ ref('churn_cutoffs') }}

),

orders as (

    select * from {{ ref('orders') }}
    where is_purchase

),

order_lines as (

    select order_lines.*, products.department
    from {{ ref('order_lines') }} as order_lines
    left join {{ ref('products') }} as products
        on order_lines.product_id = products.product_id

),

-- The only date arithmetic: all that follows counts in days before the cutoff.
orders_before as (

    select
        cutoffs.cutoff,
        orders.person_id,
        orders.order_id,
        orders.net_amount,
        orders.lines_count,
        {{ days_between('orders.ordered_at', 'cutoffs.cutoff') }} as days_ago
    from cutoffs
    inner join orders
        on cutoffs.cutoff > orders.ordered_at

),

lines_before as (

    select
        cutoffs.cutoff,
        order_lines.person_id,
        order_lines.product_id,
        order_lines.department,
        order_lines.net_amount,
        order_lines.discount_amount
    from cutoffs
    inner join order_lines
        on cutoffs.cutoff > order_lines.ordered_at

),

gaps as (

    select
        cutoff,
        person_id,
        net_amount,
        lines_count,
        days_ago,
        lag(days_ago) over (partition by cutoff, person_id order by days_ago desc, order_id) - days_ago as gap_days
    from orders_before

),

order_features as (

    select
        cutoff,
        person_id,
        min(days_ago) as recency_days,
        max(days_ago) as tenure_days,
        count(*) as orders_count,
        sum(case when days_ago <= 7 then 1 else 0 end) as orders_7d_count,
        sum(case when days_ago <= 14 then 1 else 0 end) as orders_14d_count,
        sum(case when days_ago <= 28 then 1 else 0 end) as orders_28d_count,
        sum(case when days_ago <= 56 then 1 else 0 end) as orders_56d_count,
        sum(case when days_ago <= 90 then 1 else 0 end) as orders_90d_count,
        sum(case when days_ago <= 180 then 1 else 0 end) as orders_180d_count,
        count(distinct case when days_ago <= 84 then floor(days_ago / 7) end) as active_weeks_84d_count,
        count(distinct case when days_ago <= 180 then floor(days_ago / 30) end) as active_months_180d_count,
        sum(power(0.5, days_ago / 30)) as decayed_30d_count,
        sum(power(0.5, days_ago / 90)) as decayed_90d_count,
        sum(case when days_ago <= 28 then net_amount else 0 end) as spent_28d_amount,
        sum(case when days_ago <= 90 then net_amount else 0 end) as spent_90d_amount,
        sum(net_amount) as total_spent_amount,
        avg(net_amount) as average_order_amount,
        avg(lines_count) as average_lines_count,
        avg(gap_days) as mean_gap_days,
        stddev_samp(gap_days) as sd_gap_days,
        max(gap_days) as longest_gap_days,
        max(case when days_ago <= 90 then gap_days end) as longest_gap_90d_days,
        sum(case when gap_days > 30 then gap_days - 30 else 0 end) as quiet_days,
        sum(case when days_ago <= 180 and gap_days > 14 then 1 else 0 end) as long_gaps_180d_count
    from gaps
    group by cutoff, person_id

),

line_features as (

    select
        cutoff,
        person_id,
        count(distinct product_id) as products_count,
        count(distinct department) as departments_count,
        sum(discount_amount) as total_discount_amount
    from lines_before
    group by cutoff, person_id

),

final as (

    select
        order_features.*,
        orders_28d_count - (orders_56d_count - orders_28d_count) as trend_28d,
        orders_90d_count - (orders_180d_count - orders_90d_count) as trend_90d,
        recency_days / (mean_gap_days + 1) as recency_gap_ratio,
        (recency_days - mean_gap_days) / (sd_gap_days + 1) as recency_gap_z,
        orders_count / (tenure_days + 1) as orders_per_day,
        quiet_days / (tenure_days + 1) as quiet_share,
        line_features.products_count,
        line_features.departments_count,
        line_features.total_discount_amount / nullif(line_features.total_discount_amount + total_spent_amount, 0) as discount_share
    from order_features
    left join line_features
        on order_features.cutoff = line_features.cutoff and order_features.person_id = line_features.person_id

)

select * from final

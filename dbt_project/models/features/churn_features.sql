-- Sums of floats are rounded: their last digits depend on the order in which rows are added.
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
        *,
        lag(days_ago) over (
            partition by cutoff, person_id
            order by days_ago desc, order_id
        ) - days_ago as gap_days
    from orders_before

),

order_totals as (

    select
        cutoff,
        person_id,
        min(days_ago) as recency_days,
        max(days_ago) as tenure_days,
        count(*) as orders_count,
        count(case when days_ago <= 7 then 1 end) as orders_7d_count,
        count(case when days_ago <= 14 then 1 end) as orders_14d_count,
        count(case when days_ago <= 28 then 1 end) as orders_28d_count,
        count(case when days_ago <= 56 then 1 end) as orders_56d_count,
        count(case when days_ago <= 90 then 1 end) as orders_90d_count,
        count(case when days_ago <= 180 then 1 end) as orders_180d_count,
        count(distinct case when days_ago <= 84 then floor(days_ago / 7) end) as active_weeks_84d_count,
        -- An order counts half after 30 days, a quarter after 60.
        round(sum(power(0.5, days_ago / 30)), 6) as decayed_orders_count,
        sum(case when days_ago <= 28 then net_amount else 0 end) as spent_28d_amount,
        sum(case when days_ago <= 90 then net_amount else 0 end) as spent_90d_amount,
        sum(net_amount) as spent_amount,
        round(avg(net_amount), 6) as average_order_amount,
        round(avg(gap_days), 6) as mean_gap_days,
        round(stddev_samp(gap_days), 6) as sd_gap_days,
        max(case when days_ago <= 90 then gap_days end) as longest_gap_90d_days,
        -- Days on which a cutoff would have been followed by 30 days without an order.
        round(sum(case when gap_days > 30 then gap_days - 30 else 0 end), 6) as quiet_days
    from gaps
    group by cutoff, person_id

),

line_totals as (

    select
        cutoff,
        person_id,
        count(distinct product_id) as products_count,
        count(distinct department) as departments_count,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount
    from lines_before
    group by cutoff, person_id

),

final as (

    select
        order_totals.person_id,
        order_totals.cutoff,
        order_totals.recency_days,
        order_totals.tenure_days,
        order_totals.orders_7d_count,
        order_totals.orders_14d_count,
        order_totals.orders_28d_count,
        order_totals.orders_56d_count,
        order_totals.orders_90d_count,
        order_totals.orders_180d_count,
        order_totals.orders_count / (order_totals.tenure_days + 1) as orders_per_day,
        2 * order_totals.orders_28d_count - order_totals.orders_56d_count as trend_28d_count,
        order_totals.active_weeks_84d_count,
        order_totals.decayed_orders_count,
        order_totals.mean_gap_days,
        order_totals.sd_gap_days,
        order_totals.longest_gap_90d_days,
        order_totals.recency_days / (order_totals.mean_gap_days + 1) as recency_gap_ratio,
        order_totals.quiet_days / (order_totals.tenure_days + 1) as quiet_share,
        order_totals.spent_28d_amount,
        order_totals.spent_90d_amount,
        order_totals.average_order_amount,
        coalesce(line_totals.products_count, 0) as products_count,
        coalesce(line_totals.departments_count, 0) as departments_count,
        line_totals.discount_amount
        / nullif(line_totals.discount_amount + line_totals.net_amount, 0) as discount_share
    from order_totals
    left join line_totals
        on
            order_totals.cutoff = line_totals.cutoff
            and order_totals.person_id = line_totals.person_id

)

select * from final

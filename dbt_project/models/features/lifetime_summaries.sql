-- A year of orders as a handful of numbers: BG/NBD and Gamma-Gamma need no more. Only orders that stand are counted:
-- what was cancelled or given back is no value.
with orders as (

    select person_id, ordered_at, net_amount
    from {{ ref('orders') }}
    where is_purchase and ordered_at < {{ as_of() }}

),

cutoffs as (

    select {{ ago(var('lifetime_holdout_days')) }} as cutoff, 'test' as split
    union all
    select {{ as_of() }} as cutoff, 'score' as split

),

before as (

    select
        cutoffs.cutoff,
        cutoffs.split,
        orders.person_id,
        count(*) - 1 as repeats_count,
        {{ days_between('min(orders.ordered_at)', 'max(orders.ordered_at)') }} as recency_days,
        {{ days_between('min(orders.ordered_at)', 'cutoffs.cutoff') }} as age_days,
        count(case when orders.net_amount > 0 then 1 end) as valued_orders_count,
        sum(case when orders.net_amount > 0 then orders.net_amount else 0 end) as valued_amount,
        sum(orders.net_amount) as spent_amount
    from cutoffs
    inner join orders
        on cutoffs.cutoff > orders.ordered_at
    group by cutoffs.cutoff, cutoffs.split, orders.person_id

),

after as (

    select person_id, count(*) as orders_count, sum(net_amount) as spent_amount
    from orders
    where ordered_at >= {{ ago(var('lifetime_holdout_days')) }}
    group by person_id

),

final as (

    select
        before.person_id,
        before.cutoff,
        before.split,
        before.repeats_count,
        before.recency_days,
        before.age_days,
        before.valued_orders_count,
        cast(before.valued_amount as decimal(18, 2)) as valued_amount,
        cast(before.spent_amount as decimal(18, 2)) as spent_amount,
        case when before.split = 'test' then coalesce(after.orders_count, 0) end as later_orders_count,
        cast(case when before.split = 'test' then coalesce(after.spent_amount, 0) end as decimal(18, 2)) as later_spent_amount
    from before
    left join after
        on before.person_id = after.person_id

)

select * from final

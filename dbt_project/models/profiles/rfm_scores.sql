{#- Where nobody ordered, everybody is in the same fifth. -#}
{% if is_refresh_partial() and execute and has_only_these_buyers(this) -%}
select * from {{ this }}
{% else -%}
with profiles as (

    select * from {{ ref('profiles') }}

),

buyers as (

    select person_id, last_ordered_at, orders_count, total_spent_amount
    from profiles
    where orders_count > 0

),

-- Among equals the other two decide, and the id only in the end, so that a rebuild gives the same.
final as (

    select
        person_id,
        last_ordered_at,
        orders_count,
        total_spent_amount,
        ntile(5) over (order by last_ordered_at, orders_count, total_spent_amount, person_id) as recency_quintile,
        ntile(5) over (order by orders_count, total_spent_amount, last_ordered_at, person_id) as frequency_quintile,
        ntile(5) over (order by total_spent_amount, orders_count, last_ordered_at, person_id) as monetary_quintile
    from buyers

)

select * from final
{% endif %}

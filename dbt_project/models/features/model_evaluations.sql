with churn as (

    select * from {{ source('ml', 'churn_evaluations') }}

),

lifetime as (

    select * from {{ source('ml', 'lifetime_evaluations') }}

),

recommendations as (

    select * from {{ source('ml', 'recommendation_evaluations') }}

),

send_times as (

    select * from {{ ref('send_time_evaluations') }}

),

final as (

    select model, version, metric, split, value, baseline_value, value_low, value_high
    from churn
    union all
    select model, version, metric, split, value, baseline_value, value_low, value_high
    from lifetime
    union all
    select model, version, metric, split, value, baseline_value, value_low, value_high
    from recommendations
    union all
    select model, version, metric, split, value, baseline_value, value_low, value_high
    from send_times

)

select * from final

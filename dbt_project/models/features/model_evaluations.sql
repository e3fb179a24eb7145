with churn as (

    select * from {{ source('ml', 'churn_evaluations') }}

),

lifetime as (

    select * from {{ source('ml', 'lifetime_evaluations') }}

),

recommendations as (

    select * from {{ source('ml', 'recommendation_evaluations') }}

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

)

select * from final

with churn as (

    select * from {{ source('ml', 'churn_evaluations') }}

),

recommendations as (

    select * from {{ source('ml', 'recommendation_evaluations') }}

),

final as (

    select model, version, metric, split, value, baseline_value
    from churn
    union all
    select model, version, metric, split, value, baseline_value
    from recommendations

)

select * from final

-- Of whom nothing landed a partial refresh leaves to the next.
-- depends_on: {{ source('ml', 'churn_predictions') }}, {{ source('ml', 'lifetime_values') }}
{% if is_refresh_incremental() and not is_refresh_partial() %}
with profiles as (

    select * from {{ before_refresh('profiles') }}

),

churn_predictions as (

    select * from {{ source('ml', 'churn_predictions') }}

),

lifetime_values as (

    select * from {{ source('ml', 'lifetime_values') }}

)

select profiles.person_id
from profiles
left join churn_predictions
    on profiles.person_id = churn_predictions.person_id
left join lifetime_values
    on profiles.person_id = lifetime_values.person_id
where
    profiles.churn_probability is distinct from cast(churn_predictions.churn_probability as double)
    or profiles.churn_risk_band is distinct from churn_predictions.risk_band
    or profiles.expected_next_order_at is distinct from lifetime_values.expected_next_order_at
    or profiles.expected_orders_count is distinct from cast(lifetime_values.expected_orders_count as double)
    or profiles.expected_value_amount is distinct from cast(lifetime_values.expected_value_amount as decimal(18, 2))
{% else %}
select person_id
from {{ source('ml', 'churn_predictions') }}
where false
{% endif %}

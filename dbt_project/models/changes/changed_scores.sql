{% if is_refresh_incremental() %}
with profiles as (

    select * from {{ before_refresh('profiles') }}

),

churn_predictions as (

    select * from {{ source('ml', 'churn_predictions') }}

)

select profiles.person_id
from profiles
left join churn_predictions
    on profiles.person_id = churn_predictions.person_id
where
    profiles.churn_probability is distinct from cast(churn_predictions.churn_probability as double)
    or profiles.churn_risk_band is distinct from churn_predictions.risk_band
{% else %}
select person_id
from {{ source('ml', 'churn_predictions') }}
where false
{% endif %}

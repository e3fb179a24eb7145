select person_id
from {{ ref('profiles') }}
where churn_risk_band = 'high' and lifecycle_stage <> 'lapsed'

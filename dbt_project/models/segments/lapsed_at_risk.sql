select person_id
from {{ ref('profiles') }}
where lifecycle_stage = 'lapsed' and churn_risk_band = 'high'

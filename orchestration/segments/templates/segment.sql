select person_id
from {{ ref('profiles') }}
where
    lifecycle_stage <> 'lapsed'
    and last_activity_at > {{ ago(30) }}

select person_id
from {{ ref('profiles') }}
where
    lifecycle_stage = 'prospect'
    and signed_up_at > {{ ago(var('new_prospect_days')) }}

select person_id
from {{ ref('activity') }}
where
    activity in ('demo_request', 'demo_requested')
    and occurred_at > {{ ago(var('recent_demo_request_days')) }}
group by person_id

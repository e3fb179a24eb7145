select person_id
from {{ ref('activity') }}
where activity = 'email_opened' and occurred_at > {{ ago(var('recent_open_days')) }}
group by person_id

select person_id
from {{ ref('activity') }}
where activity = 'email_clicked' and occurred_at > {{ ago(var('recent_click_days')) }}
group by person_id

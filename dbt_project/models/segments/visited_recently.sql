select person_id
from {{ ref('sessions') }}
where started_at > {{ ago(var('recent_visit_days')) }}
group by person_id
having count(*) >= {{ var('recent_visits') }}

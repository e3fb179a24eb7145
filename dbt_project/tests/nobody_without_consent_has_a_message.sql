{{ config(meta={'dagster': {'ref': {'name': 'message_candidates'}}}) }}
-- Whoever is to be planned in this build's campaigns has agreed to its purpose.
select candidates.message_id
from {{ ref('message_candidates') }} as candidates
left join {{ ref('consents') }} as consents
    on candidates.person_id = consents.person_id and candidates.purpose = consents.purpose
where candidates.exclusion_reason is null and not candidates.is_planned and not coalesce(consents.is_granted, false)

{{ config(meta={'dagster': {'ref': {'name': 'lifecycle_stages'}}}) }}
-- Stages are exhaustive and exclusive.
select people.person_id, count(stages.person_id) as stages_count
from {{ ref('people') }} as people
left join {{ ref('lifecycle_stages') }} as stages
    on people.person_id = stages.person_id
group by people.person_id
having count(stages.person_id) <> 1

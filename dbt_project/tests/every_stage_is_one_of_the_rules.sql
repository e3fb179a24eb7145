{{ config(meta={'dagster': {'ref': {'name': 'lifecycle_timeline'}}}) }}
-- Nobody is, was or will be in a stage that the rules in force do not list.
select person_id, to_stage, changed_at
from {{ ref('lifecycle_timeline') }}
where to_stage not in ('{{ lifecycle_stage_names() | join("', '") }}')

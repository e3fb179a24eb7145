{{ config(meta={'dagster': {'ref': {'name': 'lifecycle_stages'}}}) }}
-- Stages are exhaustive and exclusive.
select people.person_id, count(stages.person_id) as stages_count
from {{ ref('people') }} as people
left join {{ ref('lifecycle_stages') }} as stages
    on people.person_id = stages.person_id
{%- if var('only_news_is_tested') and is_refresh_incremental() and execute %}
where people.person_id in (select changed.person_id from {{ refresh_table('changed_people') }} as changed)
{%- endif %}
group by people.person_id
having count(stages.person_id) <> 1

-- Looked for once: the identifiers of all people are many.
{% if is_refresh_incremental() %}
select *
from {{ ref('identity_map') }}
where person_id in (select changed_people.person_id from {{ ref('changed_people') }} as changed_people)
{% else %}
select * from {{ ref('identity_map') }}
where false
{% endif %}

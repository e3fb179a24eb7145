-- Read before the next such table takes its place.
{% if is_refresh_incremental() and not is_refresh_partial() %}
select person_id
from {{ before_refresh('moved_people') }}
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}

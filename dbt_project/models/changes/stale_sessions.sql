{% if is_refresh_incremental() %}
select sessions.session_id, sessions.rowid as session_row
from {{ before_refresh('sessions') }} as sessions
inner join {{ ref('changed_visitors') }} as changed_visitors
    on
        sessions.person_id = changed_visitors.person_id
        and {{ also_equal('sessions.visitor', 'changed_visitors.visitor') }}
        and sessions.started_at >= changed_visitors.from_at
{% else %}
select cast(null as varchar) as session_id, cast(null as bigint) as session_row
where false
{% endif %}

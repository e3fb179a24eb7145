-- Looked for once, with the places where they stand: activity is the longest table.
{% if is_refresh_incremental() %}
select activity.activity_id, activity.person_id, activity.channel, activity.rowid as activity_row
from {{ before_refresh('activity') }} as activity
inner join {{ ref('changed_acts') }} as changed_acts
    on activity.source_id = changed_acts.source_id and {{ also_equal('activity.channel', 'changed_acts.channel') }}
{% else %}
select
    cast(null as varchar) as activity_id, cast(null as varchar) as person_id, cast(null as varchar) as channel,
    cast(null as bigint) as activity_row
where false
{% endif %}

-- Each act by what it came from, as activity names it.
{% if is_refresh_incremental() %}
select 'web' as channel, message_id as source_id
from {{ ref('changed_web_messages') }}
union all
select 'shop', order_id
from {{ ref('changed_orders') }}
union all
select 'email', event_id
from {{ ref('changed_email_events') }}
union all
select 'crm', contact_id
from {{ ref('contacts') }}
where _refresh = {{ refresh_number() }}
{% else %}
select cast(null as varchar) as channel, cast(null as varchar) as source_id
where false
{% endif %}

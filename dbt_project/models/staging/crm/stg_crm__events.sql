{{ config(materialized='view') }}

select * exclude (_refusal, _copy_number, _content, _file)
from {{ ref('base_crm__events') }}
where
    _refusal is null
    and _copy_number = 1
    and coalesce(updated_at <= {{ as_of() }}, true)
    and not {{ is_deleted_at_source('crm', 'events', ['event_id']) }}

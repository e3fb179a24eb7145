{{ config(materialized='view') }}

select * exclude (_refusal, _copy_number, _content, _file)
from {{ ref('base_esp__messages') }}
where
    _refusal is null
    and _copy_number = 1
    and sent_at <= {{ as_of() }}

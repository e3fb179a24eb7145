{{ config(materialized='view') }}

select * exclude (_refusal, _copy_number, _content, _file)
from {{ ref('base_web__events') }}
where
    _refusal is null
    and _copy_number = 1
    and occurred_at <= {{ as_of() }}

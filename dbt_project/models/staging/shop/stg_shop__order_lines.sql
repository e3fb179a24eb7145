{{ config(materialized='view') }}

select * exclude (_refusal, _copy_number, _content, _file)
from {{ ref('base_shop__order_lines') }}
where
    _refusal is null
    and _copy_number = 1
    and not {{ is_deleted_at_source('shop', 'order_lines', ['order_id', 'line_number']) }}

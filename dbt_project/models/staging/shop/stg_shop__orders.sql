{{ config(materialized='view') }}

select * exclude (_refusal, _copy_number, _content, _file)
from {{ ref('base_shop__orders') }}
where
    _refusal is null
    and _copy_number = 1
    and ordered_at <= {{ as_of() }}
    and not {{ is_deleted_at_source('shop', 'orders', ['order_id']) }}

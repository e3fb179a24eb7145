{{ config(materialized='view') }}

select * exclude (
    _refusal, _copy_number, _file, is_order, order_copy, line_number, product_id, product_name, quantity,
    unit_price_amount, line_discount_amount
)
from {{ ref('base_shopify__orders') }}
where
    is_order
    and _refusal is null
    and _copy_number = 1
    and ordered_at <= {{ as_of() }}

{{ config(materialized='view') }}

select * exclude (_refusal, _copy_number, _file)
from {{ ref('base_sendgrid__suppressions') }}
where
    _refusal is null
    and _copy_number = 1
    and listed_at <= {{ as_of() }}

{{ config(meta={'dagster': {'ref': {'name': 'load_reconciliation'}}}) }}
-- A row is never lost: received = staged + quarantined + exact repeats, for every load.
select *
from {{ ref('load_reconciliation') }}
where rows_received <> rows_staged + rows_quarantined + rows_duplicate

-- One row per received column of a landed table, with the number of rows that have a value in it.
select
    ? as relation,
    attribute,
    rows_filled
from (
    unpivot (
        select count(nullif(trim(cast(columns(lambda name: not starts_with(name, '_')) as varchar)), '')) as '\0'
        from /* table */
    )
    on columns(*)
    into name attribute value rows_filled
)

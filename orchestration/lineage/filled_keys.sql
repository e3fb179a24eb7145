-- One row per key that the contract does not know, with the number of rows that have a value under it.
select
    ? as relation,
    attribute,
    count(*) as rows_filled
from (
    select
        unnest(json_keys(_extra)) as attribute,
        unnest(json_extract_string(_extra, '$.*')) as entry
    from /* table */
    where _extra is not null
)
where trim(entry) not in ('', '{}', '[]')
group by attribute

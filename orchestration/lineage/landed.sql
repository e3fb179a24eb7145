-- One row per entity that was landed and has its table.
select
    loads.source,
    loads.entity,
    'raw.' || tables.table_name as relation,
    cast(sum(loads.rows_received) as bigint) as rows_received
from raw.loads as loads
inner join information_schema.tables as tables
    on tables.table_schema = 'raw' and tables.table_name = loads.source || '_' || loads.entity
where loads.status = 'landed'
group by all
order by all

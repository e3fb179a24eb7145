-- One row per refused line, numbered as a data row of the file (? is 1 where the first line is a header).
-- DuckDB reports one line once for each of its faults: the first fault is its reason. _whole has
-- the lines that it cannot show whole.
select
    line - ? as row_number,
    row_number() over (order by line) as nth,
    any_value(
        case error_type::varchar
            when 'MISSING COLUMNS' then 'has fewer fields than the header'
            when 'TOO MANY COLUMNS' then 'has more fields than the header'
            when 'UNQUOTED VALUE' then 'has a quote that is not closed'
            when 'INVALID ENCODING' then 'is not UTF-8 text'
            when 'LINE SIZE OVER MAXIMUM' then 'is longer than 16 MB'
            else 'cannot be parsed'
        end
        order by byte_position
    ) as reason,
    any_value(coalesce(_whole.row_text, csv_line) order by byte_position) as row_text,
from _refused
left join _whole using (line)
group by line

-- One row per refused line, numbered as a data row of the file (? is 1 where the first line is a header).
-- DuckDB reports one line once for each of its faults: the first fault is its reason. _whole has the lines that it
-- cannot show whole, _set_aside those that a placeholder stands for.
select
    line - ? as row_number,
    row_number() over (order by line) as nth,
    any_value(
        case
            when _set_aside.place is not null then 'has a quote that is not closed'
            when error_type = 'MISSING COLUMNS' then 'has fewer fields than the header'
            when error_type = 'TOO MANY COLUMNS' then 'has more fields than the header'
            when error_type = 'UNQUOTED VALUE' then 'has a quote that is not closed'
            when error_type = 'INVALID ENCODING' then 'is not UTF-8 text'
            when error_type = 'LINE SIZE OVER MAXIMUM' then 'is longer than 16 MB'
            else 'cannot be parsed'
        end
        order by byte_position
    ) as reason,
    any_value(coalesce(_set_aside.row_text, _whole.row_text, csv_line) order by byte_position) as row_text,
from _refused
left join _whole using (line)
left join _set_aside on trim(csv_line, chr(10) || chr(13)) = _set_aside.place
group by line

"""One reader a format. Each inserts a file's rows into its raw table and refused rows into `raw.rejects`.

Row numbers count the file's data rows from 1, the header not counted.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.errors import LandingError
from orchestration.landing import kinds
from orchestration.landing.contract import Entity
from orchestration.landing.quoting import literal, name
from orchestration.landing.refused import MAX_LINE_BYTES, STORED, find_open_quotes, keep_refused_lines
from orchestration.landing.stamped import Stamp, inserted, run_on_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK_BYTES = 1 << 20
_NESTED = ("STRUCT", "MAP", "JSON", "UNION")
_FLOATS = ("DOUBLE", "FLOAT")
# No valid JSON holds this raw byte, so a whole line is read as one field.
_NO_DELIMITER = "\\x01"


@dataclass(frozen=True)
class Read:
    """What a reader made of a file: rows inserted, rows rejected, and each column's kind of value."""

    rows: int
    rejected: int
    columns: Mapping[str, str]


Reader = Callable[["DuckDBPyConnection", Path, Stamp], Read]


def reader_for(path: Path) -> Reader | None:
    """The reader for the file's ending, or None."""
    name = path.name.lower()
    for endings, reader in (
        ((".csv", ".csv.gz"), read_csv),
        ((".jsonl", ".jsonl.gz"), read_json_lines),
        ((".parquet",), read_parquet),
    ):
        if name.endswith(endings):
            return reader
    return None


def check_gzip(path: Path, file: str) -> None:
    """Raises LandingError unless the whole file unpacks: DuckDB's reader takes some damage for the end."""
    if not path.name.lower().endswith(".gz"):
        return
    try:
        with gzip.open(path) as packed:
            while packed.read(_CHUNK_BYTES):
                pass
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise LandingError(f"{file} is not a whole gzip file; compress it again and land it.") from error


def read_csv(connection: DuckDBPyConnection, path: Path, stamp: Stamp) -> Read:
    """Comma-separated UTF-8 text with a header."""
    header = _csv_header(path, stamp.file)
    _check_columns(header, stamp)
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    options = (
        f"{literal(str(path))}, header = true, auto_detect = false, columns = {{{types}}}, "
        f"delim = ',', quote = '\"', escape = '\"', strict_mode = true, max_line_size = {MAX_LINE_BYTES}"
    )
    insert = _insert_sql(stamp.entity, header, f"read_csv({options}, {STORED})", "row_number() over ()")
    rows = inserted(connection, insert, stamp)
    if stamp.may_set_aside:
        find_open_quotes(connection)
    rejected = keep_refused_lines(connection, path, stamp)
    sample = f"select * from read_csv({options}, ignore_errors = true) limit {kinds.SAMPLE_ROWS}"
    return Read(rows, rejected, kinds.of_sample(connection, sample, header))


def read_json_lines(connection: DuckDBPyConnection, path: Path, stamp: Stamp) -> Read:
    """One JSON object a line; blank lines are passed over. The file is read twice, and never held."""
    if path.stat().st_size == 0:
        raise LandingError(f"{stamp.file} is empty: it has no rows. Export it again, or delete it.")
    options = (
        f"{literal(str(path))}, header = false, auto_detect = false, columns = {{'line': 'VARCHAR'}}, "
        f"delim = '{_NO_DELIMITER}', quote = '', escape = '', max_line_size = {MAX_LINE_BYTES}"
    )
    sampled = _json_rows(f"read_csv({options}, ignore_errors = true)")
    columns = _json_columns(connection, sampled, stamp)
    rows = inserted(connection, _json_insert(stamp.entity, _json_rows(f"read_csv({options}, {STORED})")), stamp)
    not_objects = (
        "insert into raw.rejects select ?, ?, ?, ?, _row, "
        "case when keys is null then 'is not a JSON object' else 'has a key more than once' end, line, ? "
        f"from {sampled} where not is_object"
    )
    rejected = inserted(connection, not_objects, stamp, stamp.owner)
    rejected += keep_refused_lines(connection, path, stamp, has_header=False)
    return Read(rows, rejected, columns)


def read_parquet(connection: DuckDBPyConnection, path: Path, stamp: Stamp) -> Read:
    """Parquet; nested columns are kept as JSON text, and a whole number that came as a float as a whole number."""
    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    described = run_on_file(connection, f"describe select * exclude (file_row_number) from {source}", stamp, [])
    types = {str(row[0]): str(row[1]) for row in described}
    _check_columns(list(types), stamp)
    texts = ", ".join(f"{_as_text(column, kind)} as {name(column)}" for column, kind in types.items())
    rows = f"(select {texts}, file_row_number from {source})"
    found = inserted(connection, _insert_sql(stamp.entity, list(types), rows, "file_row_number + 1"), stamp)
    sample = f"select * from {rows} where file_row_number < {kinds.SAMPLE_ROWS}"
    return Read(found, 0, kinds.of_sample(connection, sample, list(types)))


def _as_text(column: str, kind: str) -> str:
    quoted = name(column)
    if kind.startswith(_NESTED) or kind.endswith("[]"):
        return f"to_json({quoted})::varchar"
    if kind in _FLOATS:
        # Whole numbers with a null among them come as floats: 1001.0 is the number 1001, and the same text.
        whole = f"{quoted} = trunc({quoted}) and abs({quoted}) < 1e15"
        return f"case when {whole} then {quoted}::bigint::varchar else {quoted}::varchar end"
    return f"{quoted}::varchar"


def _json_rows(lines: str) -> str:
    """Lines with their numbers, their keys where each is a JSON object, and whether it is one with each key once."""
    return (
        "(select _row, line, keys, coalesce(len(keys) = len(list_distinct(keys)), false) as is_object from "
        "(select _row, line, case when starts_with(ltrim(line), '{') and json_valid(line) then json_keys(line) end "
        f"as keys from (select row_number() over () as _row, ltrim(line, chr(65279)) as line from {lines}) "
        "where trim(line) <> ''))"
    )


def _json_insert(entity: Entity, rows: str) -> str:
    """One parse a line for all the columns of the contract, and one more where a line has others besides."""
    paths = ", ".join(literal(_json_path(column)) for column in entity.columns)
    fields = ", ".join(f"fields[{number}] as {name(column)}" for number, column in enumerate(entity.columns, 1))
    known = "[" + ", ".join(literal(column) for column in entity.columns) + "]"
    emptied = literal("{" + ", ".join(f'"{column}": null' for column in entity.columns) + "}")
    return (
        f"insert into raw.{entity.table} by name select {fields}, "
        f"case when not list_has_all({known}, keys) "
        f"then nullif(json_merge_patch(line, {emptied})::varchar, '{{}}') end as _extra, "
        "?::varchar as _load_id, ?::varchar as _file, _row, ?::timestamp as _landed_at "
        f"from (select _row, line, keys, json_extract_string(line, [{paths}]) as fields from {rows} where is_object)"
    )


def _json_path(column: str) -> str:
    return f'$."{column}"'


def _json_columns(connection: DuckDBPyConnection, rows: str, stamp: Stamp) -> dict[str, str]:
    """The keys of the first objects with their kinds; of all of them where those lack a required one."""
    for limit in (f"limit {kinds.SAMPLE_ROWS}", ""):
        keys = f"select distinct unnest(keys) as name from (select keys from {rows} where is_object {limit})"
        columns = [str(row[0]) for row in run_on_file(connection, f"{keys} order by name", stamp, [])]
        if columns and not stamp.entity.missing(columns):
            break
    if columns:
        _check_columns(columns, stamp)
    texts = ", ".join(f"line ->> {literal(_json_path(column))} as {name(column)}" for column in columns)
    sample = f"select {texts} from (select line from {rows} where is_object limit {kinds.SAMPLE_ROWS})"
    return kinds.of_sample(connection, sample, columns) if columns else {}


def _insert_sql(entity: Entity, present: list[str], source: str, row_number: str) -> str:
    known = [column for column in entity.columns if column in present]
    unknown = [column for column in present if column not in entity.columns]
    extra = "null::varchar"
    if unknown:
        pairs = ", ".join(f"{literal(column)}, {name(column)}" for column in unknown)
        extra = f"json_object({pairs})::varchar"
    columns = ", ".join(name(column) for column in known)
    return (
        f"insert into raw.{entity.table} by name select {columns}, {extra} as _extra, "
        f"?::varchar as _load_id, ?::varchar as _file, {row_number} as _row, ?::timestamp as _landed_at "
        f"from {source}"
    )


def _csv_header(path: Path, file: str) -> list[str]:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        # Rows may hold bad bytes, which the reader refuses one by one; the header may not.
        with opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            header = next(csv.reader(text), None)
    except csv.Error as error:
        raise LandingError(f"{file} has an unreadable header: {error}. Save it as CSV again.") from error
    if not header:
        raise LandingError(f"{file} is empty: it has no header. Export it again, or delete it.")
    names = [name.strip() for name in header]
    if not all(name.isprintable() and name for name in names):
        raise LandingError(f"{file} has a header that is not UTF-8 text with a name for each column; save it as UTF-8.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise LandingError(f"{file} has the column {repeated[0]!r} more than once; keep one of them.")
    return names


def _check_columns(present: list[str], stamp: Stamp) -> None:
    missing = stamp.entity.missing(present)
    if missing:
        raise LandingError(
            f"{stamp.file} lacks the required column {', '.join(missing)} of {stamp.entity.label}; "
            f"it has {', '.join(present)}. Add or rename the column, and land it again."
        )

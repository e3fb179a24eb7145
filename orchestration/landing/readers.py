"""One reader a format. Each inserts a file's rows into its raw table and refused rows into `raw.rejects`.

Row numbers count the file's data rows from 1, the header not counted.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.errors import LandingError
from orchestration.landing.contract import Entity

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MAX_LINE_BYTES = 16 * 1024 * 1024
_NESTED = ("STRUCT", "MAP", "JSON", "UNION")
# No valid JSON holds this raw byte, so a whole line is read as one field.
_NO_DELIMITER = "\\x01"


@dataclass(frozen=True)
class Stamp:
    """What every landed row carries besides its content."""

    entity: Entity
    load_id: str
    file: str
    landed_at: datetime

    @property
    def values(self) -> list[object]:
        return [self.load_id, self.file, self.landed_at]


Reader = Callable[["DuckDBPyConnection", Path, Stamp], tuple[str, ...]]


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


def read_csv(connection: DuckDBPyConnection, path: Path, stamp: Stamp) -> tuple[str, ...]:
    """Comma-separated UTF-8 text with a header."""
    header = _csv_header(path, stamp.file)
    _check_columns(header, stamp)
    types = ", ".join(f"{_literal(column)}: 'VARCHAR'" for column in header)
    source = (
        f"read_csv({_literal(str(path))}, header = true, auto_detect = false, columns = {{{types}}}, "
        "delim = ',', quote = '\"', escape = '\"', strict_mode = true, store_rejects = true, "
        "rejects_table = '_refused', rejects_scan = '_refused_scan', "
        f"max_line_size = {_MAX_LINE_BYTES})"
    )
    _run(connection, _insert_sql(stamp.entity, header, source, "row_number() over ()"), stamp)
    _keep_refused_lines(connection, stamp)
    return tuple(header)


def read_json_lines(connection: DuckDBPyConnection, path: Path, stamp: Stamp) -> tuple[str, ...]:
    """One JSON object a line; blank lines are passed over."""
    if path.stat().st_size == 0:
        raise LandingError(f"{stamp.file} is empty: it has no rows. Export it again, or delete it.")
    lines = (
        f"read_csv({_literal(str(path))}, header = false, auto_detect = false, columns = {{'line': 'VARCHAR'}}, "
        f"delim = '{_NO_DELIMITER}', quote = '', escape = '', store_rejects = true, "
        f"rejects_table = '_refused', rejects_scan = '_refused_scan', max_line_size = {_MAX_LINE_BYTES})"
    )
    _run(
        connection,
        "create or replace temp table _lines as select _row, line, json_valid(line) and "
        "json_type(case when json_valid(line) then line end) = 'OBJECT' as is_object "
        f"from (select row_number() over () as _row, ltrim(line, chr(65279)) as line from {lines}) "
        "where trim(line) <> ''",
        stamp,
        values=[],
    )
    columns = _json_columns(connection)
    _check_columns(columns, stamp, has_rows=bool(columns))
    fields = ", ".join(
        f"line ->> {_literal('$.' + chr(34) + column + chr(34))} as {_name(column)}" for column in stamp.entity.columns
    )
    known = "{" + ", ".join(f'"{column}": null' for column in stamp.entity.columns) + "}"
    _run(
        connection,
        f"insert into raw.{stamp.entity.table} by name select {fields}, "
        f"nullif(json_merge_patch(line, {_literal(known)})::varchar, '{{}}') as _extra, "
        "?::varchar as _load_id, ?::varchar as _file, _row, ?::timestamp as _landed_at "
        "from _lines where is_object order by _row",
        stamp,
    )
    _run(
        connection,
        "insert into raw.rejects select ?, ?, ?, ?, _row, 'is not a JSON object', line, ? "
        "from _lines where not coalesce(is_object, false)",
        stamp,
        values=[stamp.load_id, stamp.entity.source, stamp.entity.name, stamp.file, stamp.landed_at],
    )
    _keep_refused_lines(connection, stamp, has_header=False)
    connection.execute("drop table _lines")
    return tuple(columns)


def read_parquet(connection: DuckDBPyConnection, path: Path, stamp: Stamp) -> tuple[str, ...]:
    """Parquet; nested columns are kept as JSON text."""
    source = f"read_parquet({_literal(str(path))}, file_row_number = true)"
    described = _run(connection, f"describe select * exclude (file_row_number) from {source}", stamp, values=[])
    types = {str(row[0]): str(row[1]) for row in described}
    _check_columns(list(types), stamp)
    nested = [name for name, kind in types.items() if kind.startswith(_NESTED) or kind.endswith("[]")]
    texts = ", ".join(
        f"to_json({_name(name)})::varchar as {_name(name)}"
        if name in nested
        else f"{_name(name)}::varchar as {_name(name)}"
        for name in types
    )
    rows = f"(select {texts}, file_row_number from {source})"
    _run(connection, _insert_sql(stamp.entity, list(types), rows, "file_row_number + 1"), stamp)
    return tuple(types)


def _insert_sql(entity: Entity, present: list[str], source: str, row_number: str) -> str:
    known = [column for column in entity.columns if column in present]
    unknown = [column for column in present if column not in entity.columns]
    extra = "null::varchar"
    if unknown:
        pairs = ", ".join(f"{_literal(column)}, {_name(column)}" for column in unknown)
        extra = f"json_object({pairs})::varchar"
    columns = ", ".join(_name(column) for column in known)
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
    except (gzip.BadGzipFile, EOFError) as error:
        raise LandingError(f"{file} is not a whole gzip file; compress it again and land it.") from error
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


def _json_columns(connection: DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select distinct unnest(json_keys(line)) as name from _lines where is_object order by name"
    ).fetchall()
    return [row[0] for row in found]


def _check_columns(present: list[str], stamp: Stamp, *, has_rows: bool = True) -> None:
    missing = stamp.entity.missing(present) if has_rows else []
    if missing:
        raise LandingError(
            f"{stamp.file} lacks the required column {', '.join(missing)} of {stamp.entity.label}; "
            f"it has {', '.join(present)}. Add or rename the column, and land it again."
        )


def _keep_refused_lines(connection: DuckDBPyConnection, stamp: Stamp, *, has_header: bool = True) -> None:
    """Moves the lines that DuckDB's reader refused into `raw.rejects`, and counts them into `_row`."""
    sql = (Path(__file__).with_name("refused_lines.sql")).read_text(encoding="utf-8")
    connection.execute(f"create or replace temp table _refused_rows as {sql}", [1 if has_header else 0])
    connection.execute(
        "insert into raw.rejects select ?, ?, ?, ?, row_number, reason, row_text, ? from _refused_rows",
        [stamp.load_id, stamp.entity.source, stamp.entity.name, stamp.file, stamp.landed_at],
    )
    connection.execute(
        f"update raw.{stamp.entity.table} set _row = _row + (select count(*) from _refused_rows "
        "where row_number - nth + 1 <= _row) where _load_id = ? and exists (select 1 from _refused_rows)",
        [stamp.load_id],
    )
    for table in ("_refused_rows", "_refused", "_refused_scan"):
        connection.execute(f"drop table if exists {table}")


def _run(
    connection: DuckDBPyConnection, sql: str, stamp: Stamp, values: list[object] | None = None
) -> list[tuple[object, ...]]:
    """Runs one statement on the file; what DuckDB refuses becomes one line without the row's content."""
    import duckdb

    try:
        return connection.execute(sql, stamp.values if values is None else values).fetchall()
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        kind = type(error).__name__.removesuffix("Exception")
        raise LandingError(
            f"{stamp.file} cannot be read as {Path(stamp.file).suffixes[0].lstrip('.')} ({kind}): "
            "the file is damaged or of another kind. Export it again."
        ) from error


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'

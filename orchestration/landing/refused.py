"""The lines that DuckDB's reader refused: kept whole in `raw.rejects`, and counted into the numbers of the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from orchestration.landing.repairs import OpenQuotesError, open_bytes, placeholder
from orchestration.landing.stamped import Stamp, inserted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_LINE_BYTES = 16 * 1024 * 1024
# How much of a refused line DuckDB shows.
_SHOWN_BYTES = 10_000
# What a reader is told, so that its refusals are found here.
STORED = "store_rejects = true, rejects_table = '_refused', rejects_scan = '_refused_scan'"


def find_open_quotes(connection: DuckDBPyConnection) -> None:
    """Raises OpenQuotesError for refused rows that go on over several lines: those after the first may be good."""
    found = connection.execute(
        "select distinct line_byte_position - 1 as position from _refused "
        "where error_type = 'UNQUOTED VALUE' "
        f"and (contains(trim(csv_line, chr(10) || chr(13)), chr(10)) or strlen(csv_line) >= {_SHOWN_BYTES}) "
        "order by position"
    ).fetchall()
    if found:
        raise OpenQuotesError([position for (position,) in found])


def keep_refused_lines(connection: DuckDBPyConnection, path: Path, stamp: Stamp, *, has_header: bool = True) -> int:
    """Moves the lines that DuckDB's reader refused into `raw.rejects`, counts them into `_row`; returns how many."""
    (found,) = connection.execute("select count(*) from _refused").fetchall()[0]
    rejected = _move_refused_lines(connection, path, stamp, has_header) if found else 0
    connection.execute("drop table _refused")
    connection.execute("drop table _refused_scan")
    return rejected


def _move_refused_lines(connection: DuckDBPyConnection, path: Path, stamp: Stamp, has_header: bool) -> int:
    sql = (Path(__file__).with_name("refused_lines.sql")).read_text(encoding="utf-8")
    connection.register("_whole", _whole_lines(connection, path, has_header))
    places = [placeholder(number) for number in range(len(stamp.set_aside))]
    connection.register(
        "_set_aside",
        pa.table({"place": pa.array(places, pa.string()), "row_text": pa.array(stamp.set_aside, pa.string())}),
    )
    connection.execute(f"create or replace temp table _refused_rows as {sql}", [1 if has_header else 0])
    connection.unregister("_whole")
    connection.unregister("_set_aside")
    for table, load, row in (
        (f"raw.{stamp.entity.table}", "_load_id", "_row"),
        ("raw.rejects", "load_id", "row_number"),
    ):
        connection.execute(
            f"update {table} as landed set {row} = {row} + (select count(*) from _refused_rows as refused "
            f"where refused.row_number - refused.nth + 1 <= landed.{row}) where {load} = ?",
            [stamp.load_id],
        )
    insert = "insert into raw.rejects select ?, ?, ?, ?, row_number, reason, row_text, ? from _refused_rows"
    rejected = inserted(connection, insert, stamp, stamp.owner)
    connection.execute("drop table _refused_rows")
    return rejected


def _whole_lines(connection: DuckDBPyConnection, path: Path, is_csv: bool) -> pa.Table:
    """Refused lines that DuckDB shows cut short or without their bad bytes, as the file has them.

    A byte that is no UTF-8 is written as \\xNN.
    """
    found = connection.execute(
        "select line, any_value(line_byte_position) from _refused "
        f"where error_type = 'INVALID ENCODING' or strlen(csv_line) >= {_SHOWN_BYTES} group by line order by line"
    ).fetchall()
    texts = []
    with open_bytes(path) as file:
        for _, position in found:
            file.seek(position - 1)
            texts.append(_record(file, is_csv).decode("utf-8", errors="backslashreplace"))
    return pa.table({"line": pa.array([row[0] for row in found], pa.int64()), "row_text": pa.array(texts, pa.string())})


def _record(file: BinaryIO, is_csv: bool) -> bytes:
    """The next record that is not blank: a line, or as many as its quotes hold together."""
    record = b""
    while line := file.readline(MAX_LINE_BYTES):
        record = line if not record.strip() else record + line
        if (record.strip() and not (is_csv and record.count(b'"') % 2)) or len(record) > MAX_LINE_BYTES:
            break
    return record.rstrip(b"\r\n")

"""How the columns of a source change from load to load: new, gone, or holding another kind of value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from orchestration.landing.ledger import Load

_UNTOLD = ("", "empty")


def record(connection: DuckDBPyConnection, load: Load, landed_at: datetime) -> None:
    """Writes down how the load's columns differ from those of the last load of the same kind of file."""
    before = _columns_before(connection, load)
    if before is None:
        return
    for column, change, kind_before, kind_after in changes(before, load.columns):
        connection.execute(
            "insert into raw.schema_changes values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                load.load_id, load.source, load.entity, load.file, column, change, kind_before, kind_after,
                landed_at.replace(tzinfo=None),
            ],
        )  # fmt: skip


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str | None, str | None]]:
    """(column, added | removed | changed, kind before, kind after), by column; an empty column has no kind."""
    found: list[tuple[str, str, str | None, str | None]] = []
    for column in sorted({*before, *after}):
        if column not in before:
            found.append((column, "added", None, after[column]))
        elif column not in after:
            found.append((column, "removed", before[column], None))
        elif before[column] != after[column] and not {before[column], after[column]} & set(_UNTOLD):
            found.append((column, "changed", before[column], after[column]))
    return found


def family(file: str) -> str:
    """Files that differ only in their numbers (dates, parts) are one export that comes again and again."""
    return re.sub(r"[0-9]+", "#", file)


def _columns_before(connection: DuckDBPyConnection, load: Load) -> dict[str, str] | None:
    row = connection.execute(
        "select columns from raw.loads where source = ? and entity = ? and status = 'landed' "
        "and regexp_replace(file, '[0-9]+', '#', 'g') = ? order by landed_at desc, rowid desc limit 1",
        [load.source, load.entity, family(load.file)],
    ).fetchall()
    if not row:
        return None
    columns = json.loads(row[0][0])
    return columns if isinstance(columns, dict) else dict.fromkeys(columns, "")

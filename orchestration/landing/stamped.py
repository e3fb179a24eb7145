"""Statements on a file that is landing, and what each row of it carries besides its content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.errors import LandingError
from orchestration.landing.contract import Entity
from orchestration.landing.repairs import MixedLineEndsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Stamp:
    """What every landed row carries besides its content."""

    entity: Entity
    load_id: str
    file: str
    landed_at: datetime
    # Lines that were set aside because their quote is never closed; placeholders stand for them in the file.
    set_aside: tuple[str, ...] = ()
    may_set_aside: bool = True

    @property
    def values(self) -> list[object]:
        return [self.load_id, self.file, self.landed_at]

    @property
    def owner(self) -> list[object]:
        """What a rejected line carries around its number, reason and text."""
        return [self.load_id, self.entity.source, self.entity.name, self.file, self.landed_at]


def inserted(connection: DuckDBPyConnection, sql: str, stamp: Stamp, values: list[object] | None = None) -> int:
    """Runs an insert and returns the number of its rows."""
    ((count,),) = run_on_file(connection, sql, stamp, values)
    return int(str(count))


def run_on_file(
    connection: DuckDBPyConnection, sql: str, stamp: Stamp, values: list[object] | None = None
) -> list[tuple[object, ...]]:
    """Runs one statement on the file; what DuckDB refuses becomes one line without the row's content."""
    import duckdb

    try:
        return connection.execute(sql, stamp.values if values is None else values).fetchall()
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException) and stamp.file not in str(error):
            raise  # the warehouse's trouble, not the file's
        if "strict mode" in str(error):
            raise MixedLineEndsError(f"{stamp.file} cannot be read: its lines end in several ways.") from error
        kind = type(error).__name__.removesuffix("Exception")
        raise LandingError(
            f"{stamp.file} cannot be read as {Path(stamp.file).suffixes[0].lstrip('.')} ({kind}): "
            "the file is damaged or of another kind. Export it again."
        ) from error

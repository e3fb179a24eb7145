"""Files of the landing zone into `raw`: as received, append-only, every load recorded.

DuckDB reads the files; a row that its reader refuses is kept as text in `raw.rejects`, and a file that
cannot be landed at all fails alone, with a reason.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.delivery.outbox import Outbox
from orchestration.errors import LandingError
from orchestration.landing import ledger, readers
from orchestration.landing.contract import ENTITIES, FORMATS, Entity
from orchestration.landing.ledger import Load
from orchestration.landing.repairs import MixedLineEndsError, OpenQuotesError, one_line_end, without_open_quotes
from orchestration.landing.stamped import Stamp
from orchestration.warehouse import Warehouse

# Each repair may bring others to light; after so many, what is left of the file is one refused row.
_MAX_REPAIRS = 12

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    Transaction = Callable[[], AbstractContextManager[DuckDBPyConnection]]


def prepare(warehouse: Warehouse) -> None:
    """Makes the empty raw tables, so that everything downstream builds without any source."""
    with warehouse.transaction() as connection:
        ledger.prepare_tables(connection)
        connection.execute(Path(__file__).with_name("empty_tables.sql").read_text(encoding="utf-8"))


def land(
    warehouse: Warehouse,
    landing: Path,
    entity: Entity,
    landed_at: datetime,
    on_file: Callable[[int, int, str], None] = lambda *_: None,
) -> list[Load]:
    """Lands every new file of one entity; each file is wholly there afterwards, or not at all.

    `on_file` hears of each file before it is read: its number, how many there are, its name.
    """
    paths = list(files_of(landing / entity.source / entity.name))
    if not paths:
        return []
    loads = []
    with warehouse.session() as begin:
        with begin() as connection:
            known = ledger.known(connection, entity)
        for number, path in enumerate(paths, 1):
            on_file(number, len(paths), str(path.relative_to(landing)))
            loads.append(_land_file(begin, _File(landing, path, entity, landed_at), known))
    return loads


def strangers(landing: Path) -> list[str]:
    """What lies in the landing zone where no entity looks for it, one sentence each."""
    known = {(entity.source, entity.name) for entity in ENTITIES}
    names = ", ".join(entity.label for entity in ENTITIES)
    return [
        f"{path.relative_to(landing)} is no known source/entity folder and was not landed; use one of: {names}."
        for path in sorted(landing.glob("*/*"))
        if path.is_dir() and (path.parent.name, path.name) not in known
    ]


def files_of(folder: Path) -> Iterator[Path]:
    """The files of a folder of the landing zone, in the order of their names; hidden ones are none."""
    if folder.is_dir():
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


@dataclass(frozen=True)
class _File:
    """A file on its way into the warehouse."""

    landing: Path
    path: Path
    entity: Entity
    landed_at: datetime

    @property
    def name(self) -> str:
        return str(self.path.relative_to(self.landing))

    def load(self, identifier: str, hashed: str, status: str, **facts: Any) -> Load:
        return Load(identifier, self.entity.source, self.entity.name, self.name, hashed, status, **facts)


def _land_file(begin: Transaction, file: _File, known: ledger.Known) -> Load:
    started = time.perf_counter()
    hashed = ""
    try:
        state = file.path.stat()
        before = known.unchanged(file.name, state.st_size, state.st_mtime_ns)
        if before:
            return file.load(before, "", "repeated")
        hashed = ledger.content_hash(file.path)
        identifier = ledger.load_id(file.entity, hashed)
        load = _land_readable(begin, file, identifier, hashed, started, known, state)
        known.load_ids.add(identifier)
        return load
    except (LandingError, OSError) as error:
        load = file.load(
            ledger.load_id(file.entity, hashed), hashed, "failed",
            seconds=time.perf_counter() - started, error=_reason(error, file.name),
        )  # fmt: skip
        with begin() as connection:
            ledger.record(connection, load, file.landed_at)
        return load


def _land_readable(
    begin: Transaction, file: _File, identifier: str, hashed: str, started: float, known: ledger.Known,
    state: os.stat_result,
) -> Load:  # fmt: skip
    """Lands the file, or a copy in which what keeps its other rows from being read is mended or set aside."""
    stamp = Stamp(file.entity, identifier, file.name, file.landed_at.replace(tzinfo=None))
    readable = file.path
    set_aside: list[str] = []
    with ExitStack() as copies:
        for left in range(_MAX_REPAIRS, -1, -1):
            try:
                stamp = replace(stamp, set_aside=tuple(set_aside), may_set_aside=left > 0)
                return _land_once(begin, file, readable, stamp, hashed, started, known, state)
            except MixedLineEndsError:
                readable = copies.enter_context(one_line_end(readable))
            except OpenQuotesError as error:
                readable = copies.enter_context(without_open_quotes(readable, error.positions, set_aside))
    raise LandingError(f"{file.name} cannot be read as CSV: its lines end in several ways. Save it as CSV again.")


def _land_once(
    begin: Transaction, file: _File, readable: Path, stamp: Stamp, hashed: str, started: float,
    known: ledger.Known, state: os.stat_result,
) -> Load:  # fmt: skip
    with begin() as connection:
        if stamp.load_id in known.load_ids:
            load = file.load(stamp.load_id, hashed, "repeated")
        else:
            ledger.prepare_table(connection, file.entity)
            load = _insert(connection, file, readable, stamp, hashed, started)
            ledger.record(connection, load, file.landed_at)
        if file.path.stat().st_mtime_ns == state.st_mtime_ns:
            ledger.remember_state(connection, file.name, stamp.load_id, state.st_size, state.st_mtime_ns)
        return load


def _insert(
    connection: DuckDBPyConnection, file: _File, readable: Path, stamp: Stamp, hashed: str, started: float
) -> Load:
    reader = readers.reader_for(readable)
    if reader is None:
        raise LandingError(f"{file.name} has no known ending; use one of {', '.join(FORMATS)}.")
    readers.check_gzip(readable, file.name)
    read = reader(connection, readable, stamp)
    return file.load(
        stamp.load_id, hashed, "landed", rows_received=read.rows + read.rejected, rows_rejected=read.rejected,
        seconds=time.perf_counter() - started, columns=read.columns,
    )  # fmt: skip


def _reason(error: Exception, name: str) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{name} disappeared while it was read; put it back, and run again."
    if isinstance(error, OSError):
        return f"{name} cannot be read: {error.strerror or error}. Check the file's permissions and the disk."
    return str(error)


def land_outbox(warehouse: Warehouse, outbox: Outbox, table: str) -> int:
    """Adds to `table` what has changed in the outbox since it was last landed there; returns the rows added."""
    with warehouse.transaction() as connection:
        connection.execute("create schema if not exists raw")
        connection.register("present", outbox.read_all())
        connection.execute("create temp table _present as select * from present")
        connection.execute(f"create table if not exists {table} as select * from _present limit 0")
        # The last two are not in tables of earlier versions.
        for column in ("_landed_at", "not_before", "expires_at"):
            connection.execute(f"alter table {table} add column if not exists {column} timestamp")
        added = connection.execute(
            f"insert into {table} by name select *, ?::timestamp as _landed_at from _present "
            f"anti join {table} using (message_id, revision) order by message_id",
            [datetime.now(UTC)],
        ).fetchall()
        connection.execute("drop table _present")
        return int(added[0][0])

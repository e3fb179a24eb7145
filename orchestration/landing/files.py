"""Files of the landing zone into `raw`: as received, append-only, every load recorded.

DuckDB reads the files; a row that its reader refuses is kept as text in `raw.rejects`, and a file that
cannot be landed at all fails alone, with a reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.delivery.outbox import Outbox
from orchestration.errors import LandingError
from orchestration.landing import ledger, readers
from orchestration.landing.contract import ENTITIES, FORMATS, Entity
from orchestration.landing.ledger import Load
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def prepare(warehouse: Warehouse) -> None:
    """Makes the empty raw tables, so that everything downstream builds without any source."""
    with warehouse.transaction() as connection:
        ledger.prepare_tables(connection)


def land(warehouse: Warehouse, landing: Path, entity: Entity, landed_at: datetime) -> list[Load]:
    """Lands every new file of one entity; each file is wholly there afterwards, or not at all."""
    return [
        _land_file(warehouse, landing, path, entity, landed_at)
        for path in _files(landing / entity.source / entity.name)
    ]


def strangers(landing: Path) -> list[str]:
    """What lies in the landing zone where no entity looks for it, one sentence each."""
    known = {(entity.source, entity.name) for entity in ENTITIES}
    names = ", ".join(entity.label for entity in ENTITIES)
    return [
        f"{path.relative_to(landing)} is no known source/entity folder and was not landed; use one of: {names}."
        for path in sorted(landing.glob("*/*"))
        if path.is_dir() and (path.parent.name, path.name) not in known
    ]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _land_file(warehouse: Warehouse, landing: Path, path: Path, entity: Entity, landed_at: datetime) -> Load:
    started = time.perf_counter()
    name = str(path.relative_to(landing))
    hashed = ""
    try:
        hashed = ledger.content_hash(path)
        identifier = ledger.load_id(entity, hashed)
        with warehouse.transaction() as connection:
            if ledger.is_landed(connection, identifier):
                return Load(identifier, entity.source, entity.name, name, hashed, "repeated")
            columns = _insert(connection, path, name, entity, identifier, landed_at)
            load = _count(connection, identifier, entity, name, hashed, columns, started)
            ledger.record(connection, load, landed_at)
            return load
    except (LandingError, OSError) as error:
        load = Load(
            ledger.load_id(entity, hashed), entity.source, entity.name, name, hashed, "failed",
            seconds=time.perf_counter() - started, error=_reason(error, name),
        )  # fmt: skip
        with warehouse.transaction() as connection:
            ledger.record(connection, load, landed_at)
        return load


def _insert(
    connection: DuckDBPyConnection,
    path: Path,
    name: str,
    entity: Entity,
    identifier: str,
    landed_at: datetime,
) -> tuple[str, ...]:
    reader = readers.reader_for(path)
    if reader is None:
        raise LandingError(f"{name} has no known ending; use one of {', '.join(FORMATS)}.")
    stamp = readers.Stamp(entity, identifier, name, landed_at.replace(tzinfo=None))
    return reader(connection, path, stamp)


def _count(
    connection: DuckDBPyConnection,
    identifier: str,
    entity: Entity,
    name: str,
    hashed: str,
    columns: tuple[str, ...],
    started: float,
) -> Load:
    accepted = connection.execute(
        f"select count(*) from raw.{entity.table} where _load_id = ?", [identifier]
    ).fetchall()[0][0]
    rejected = connection.execute("select count(*) from raw.rejects where load_id = ?", [identifier]).fetchall()[0][0]
    return Load(
        identifier, entity.source, entity.name, name, hashed, "landed", accepted + rejected, rejected,
        time.perf_counter() - started, columns,
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
        added = connection.execute(
            f"insert into {table} by name select * from _present "
            f"anti join {table} using (message_id, revision) order by message_id"
        ).fetchall()
        connection.execute("drop table _present")
        return int(added[0][0])

"""The record of what was landed: one row a load, in the same transaction as its rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.landing import drift
from orchestration.landing.contract import ENTITIES, Entity

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Load:
    """What became of one file. `status` is landed, repeated (nothing new) or failed.

    `columns` are the file's, with the kind of their values.
    """

    load_id: str
    source: str
    entity: str
    file: str
    content_hash: str
    status: str
    rows_received: int = 0
    rows_rejected: int = 0
    seconds: float = 0.0
    columns: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass
class Known:
    """What the ledger knows of an entity's files: loads that landed, and files that have not changed since."""

    load_ids: set[str]
    states: dict[str, tuple[str, int, int]]

    def unchanged(self, file: str, bytes_count: int, modified_ns: int) -> str | None:
        """The load id of a file that the file system says is as it was, or None."""
        identifier, *state = self.states.get(file, ("", -1, -1))
        return identifier if state == [bytes_count, modified_ns] else None


def prepare_tables(connection: DuckDBPyConnection) -> None:
    """Makes the ledger and an empty raw table for each entity, so that absent sources are empty ones.

    An optional entity's table waits for its first file.
    """
    connection.execute("create schema if not exists raw")
    connection.execute(Path(__file__).with_name("ledger.sql").read_text(encoding="utf-8"))
    for entity in ENTITIES:
        if not entity.is_optional:
            prepare_table(connection, entity)


def prepare_table(connection: DuckDBPyConnection, entity: Entity) -> None:
    """Makes the entity's empty raw table, unless it is there."""
    columns = ", ".join(f'"{column}" varchar' for column in entity.columns)
    connection.execute(
        f"create table if not exists raw.{entity.table} ({columns}, _extra varchar, "
        "_load_id varchar, _file varchar, _row bigint, _landed_at timestamp)"
    )


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes: a renamed file is the same file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def load_id(entity: Entity, hashed: str) -> str:
    """The same content of the same entity has the same load id in every home."""
    return hashlib.sha256(f"{entity.label}:{hashed}".encode()).hexdigest()[:16]


def known(connection: DuckDBPyConnection, entity: Entity) -> Known:
    """What was landed of this entity before."""
    loads = connection.execute(
        "select load_id from raw.loads where source = ? and entity = ? and status = 'landed'",
        [entity.source, entity.name],
    ).fetchall()
    states = connection.execute(
        "select file, load_id, bytes, modified_ns from raw.file_states where starts_with(file, ?)",
        [f"{entity.label}/"],
    ).fetchall()
    return Known({load for (load,) in loads}, {file: (load, size, changed) for file, load, size, changed in states})


def record(connection: DuckDBPyConnection, load: Load, landed_at: datetime) -> None:
    """Writes the load down, and how its columns differ from those of the load before it."""
    if load.status == "landed":
        drift.record(connection, load, landed_at)
    connection.execute(
        "insert into raw.loads values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            load.load_id, load.source, load.entity, load.file, load.content_hash, load.status,
            load.rows_received, load.rows_rejected, load.seconds, json.dumps(dict(load.columns)), load.error,
            landed_at.replace(tzinfo=None),
        ],
    )  # fmt: skip


def remember_state(
    connection: DuckDBPyConnection, file: str, identifier: str, bytes_count: int, modified_ns: int
) -> None:
    """Notes that the file, as the file system shows it now, is that load."""
    connection.execute("delete from raw.file_states where file = ?", [file])
    connection.execute("insert into raw.file_states values (?, ?, ?, ?)", [file, identifier, bytes_count, modified_ns])

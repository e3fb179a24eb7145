"""The record of what was landed: one row a load, in the same transaction as its rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.landing.contract import ENTITIES, Entity

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Load:
    """What became of one file. `status` is landed, repeated (nothing new) or failed."""

    load_id: str
    source: str
    entity: str
    file: str
    content_hash: str
    status: str
    rows_received: int = 0
    rows_rejected: int = 0
    seconds: float = 0.0
    columns: tuple[str, ...] = ()
    error: str = ""


def prepare_tables(connection: DuckDBPyConnection) -> None:
    """Makes the ledger and an empty raw table for each entity, so that absent sources are empty ones."""
    connection.execute("create schema if not exists raw")
    connection.execute(Path(__file__).with_name("ledger.sql").read_text(encoding="utf-8"))
    for entity in ENTITIES:
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


def is_landed(connection: DuckDBPyConnection, identifier: str) -> bool:
    """Whether this load is recorded as landed."""
    found = connection.execute(
        "select 1 from raw.loads where load_id = ? and status = 'landed'", [identifier]
    ).fetchall()
    return bool(found)


def record(connection: DuckDBPyConnection, load: Load, landed_at: datetime) -> None:
    """Writes the load down."""
    connection.execute(
        "insert into raw.loads values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            load.load_id, load.source, load.entity, load.file, load.content_hash, load.status,
            load.rows_received, load.rows_rejected, load.seconds, json.dumps(load.columns), load.error,
            landed_at.replace(tzinfo=None),
        ],
    )  # fmt: skip

"""Reads what was landed and not built yet, and files that wait for their landing, without landing them.

Landing in the middle of a run would begin another refresh under the one that is half done. So the waiting files land in
a database of their own, which is thrown away. The definitions of who must not be written to are dbt's; here a word that
might say so is enough, and the next build decides what it comes to.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from orchestration.landing import files
from orchestration.landing.contract import ENTITIES, Entity
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_HERE = Path(__file__).parent
_LABELS = ("esp/events", "sendgrid/events", "sendgrid/suppressions", "mailchimp/events", "crm/consents")
_FOLDER = ".late-"
_FORGOTTEN_SECONDS = 3_600
_LEDGER = ("raw.loads", "raw.file_states")
_SCHEMA = pa.schema(
    [("email", pa.string()), ("purpose", pa.string()), ("reason", pa.string()), ("said_at", pa.timestamp("us"))]
)


@dataclass(frozen=True)
class Word:
    """That an address must not get what serves `purpose`, or with None anything."""

    email: str
    purpose: str | None
    reason: str


def late_words(settings: Settings, warehouse: Warehouse) -> list[Word]:
    """What was said since the last build, for each address of those who said it; none before the first build."""
    if not warehouse.exists("core.refresh_loads") or not warehouse.exists("core.identity_map"):
        return []
    entities = [entity for entity in ENTITIES if entity.label in _LABELS]
    found = [*_not_built(warehouse, entities), *_not_landed(settings, warehouse, entities)]
    words = pa.concat_tables(found) if found else _SCHEMA.empty_table()
    if not words.num_rows:
        return []
    with warehouse.transaction() as connection:
        connection.register("words", words)
        rows = connection.sql((_HERE / "people.sql").read_text(encoding="utf-8")).to_arrow_table()
    return [Word(**row) for row in rows.to_pylist()]


def revoked_by(
    words: Collection[Word], purposes: Mapping[str, str], waiting: Iterable[tuple[str, str, str]]
) -> dict[str, str]:
    """The reasons by id of those of the `waiting` messages (id, campaign, address) against which a word stands.

    `purposes` are the campaigns' purposes of consent.
    """
    against: dict[str, list[Word]] = {}
    for word in words:
        against.setdefault(word.email, []).append(word)
    return {
        message_id: word.reason
        for message_id, campaign, email in waiting
        for word in against.get(email, ())
        if word.purpose is None or word.purpose == purposes.get(campaign)
    }


def _not_built(warehouse: Warehouse, entities: list[Entity]) -> Iterator[pa.Table]:
    for entity in entities:
        if warehouse.exists(f"raw.{entity.table}"):
            unseen = "where _load_id not in (select load_id from core.refresh_loads where load_id is not null)"
            yield _words(warehouse, entity, unseen)


def _not_landed(settings: Settings, warehouse: Warehouse, entities: list[Entity]) -> Iterator[pa.Table]:
    waiting = [entity for entity in entities if any(files.files_of(settings.landing / entity.source / entity.name))]
    if not waiting:
        return
    _clear_away(settings.home)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix=_FOLDER) as folder:
        aside = Warehouse(Path(folder) / "late.duckdb", settings.memory_limit)
        with aside.kept_open():
            yield from _landed_aside(settings, warehouse, aside, waiting)


def _landed_aside(
    settings: Settings, warehouse: Warehouse, aside: Warehouse, waiting: list[Entity]
) -> Iterator[pa.Table]:
    files.prepare(aside)
    for table in _LEDGER:
        if warehouse.exists(table):
            aside.replace(table, warehouse.table(f"select * from {table}"))
    for entity in waiting:
        files.land(aside, settings.landing, entity, datetime.now(UTC))
        if aside.exists(f"raw.{entity.table}"):
            yield _words(aside, entity, "")


def _clear_away(home: Path) -> None:
    """What a killed process left holds addresses, and is nobody's after an hour."""
    for folder in home.glob(f"{_FOLDER}*"):
        if time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _words(warehouse: Warehouse, entity: Entity, where: str) -> pa.Table:
    sql = (_HERE / f"{entity.table}.sql").read_text(encoding="utf-8")
    with warehouse.transaction() as connection:
        connection.execute(f"create or replace temporary view news as select * from raw.{entity.table} {where}")
        return connection.sql(sql).to_arrow_table().cast(_SCHEMA)

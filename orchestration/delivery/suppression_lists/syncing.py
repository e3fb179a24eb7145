"""One sync: their entries become a file of the landing zone, our addresses are added to their list.

Nothing is remembered between syncs but what landed and what they have: a sync that is killed anywhere is done again.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import orjson
import pyarrow as pa

from orchestration.delivery.suppression_lists.sendgrid import LISTS, Entry, SuppressionLists
from orchestration.errors import storage_error
from orchestration.locks import exclusive
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

NEWS_SQL = Path(__file__).with_name("news.sql").read_text(encoding="utf-8")
LACKING_SQL = Path(__file__).with_name("lacking.sql").read_text(encoding="utf-8")

_LANDING = Path("sendgrid") / "suppressions"
_LOCK_WAIT_SECONDS = 60.0
_SCHEMA = pa.schema([(field.name, pa.int64() if field.name == "created" else pa.string()) for field in fields(Entry)])


@dataclass(frozen=True)
class Synced:
    """What a sync came to, in addresses: on their lists, new to us, added to theirs, and refused by them."""

    theirs: int = 0
    received: int = 0
    added: int = 0
    refused: int = 0


def sync(settings: Settings, lists: SuppressionLists, *, is_received: bool = True, is_added: bool = True) -> Synced:
    """Brings both sides up to date, or one of them. Raises DeliveryError, LockedError and StorageError.

    Ours are those of the last build; what is received lands with the next run.
    """
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    with exclusive(settings.home / "suppressions.lock", wait_seconds=_LOCK_WAIT_SECONDS):
        theirs = _read(lists)
        received = _receive(settings, warehouse, theirs) if is_received else 0
        lacking = _lacking(warehouse, theirs) if is_added else []
        refused = lists.suppress(lacking)
        return Synced(theirs.num_rows, received, len(lacking) - refused, refused)


def _read(lists: SuppressionLists) -> pa.Table:
    rows = [asdict(entry) for name in LISTS for entry in lists.entries(name)]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _receive(settings: Settings, warehouse: Warehouse, theirs: pa.Table) -> int:
    """Writes what never landed as one file, whole or not at all; returns the number of its rows."""
    news = theirs
    if warehouse.exists("raw.sendgrid_suppressions"):
        news = _queried(warehouse, NEWS_SQL, theirs)
    if not news.num_rows:
        return 0
    content = b"".join(orjson.dumps(row) + b"\n" for row in news.to_pylist())
    # The same news, found again because nothing landed in between, are the same file.
    name = hashlib.sha256(content).hexdigest()[:16]
    _write(settings.landing / _LANDING, f"{name}.jsonl.gz", gzip.compress(content, mtime=0))
    return int(news.num_rows)


def _lacking(warehouse: Warehouse, theirs: pa.Table) -> list[str]:
    if not warehouse.exists("core.suppressed_emails"):
        return []
    return [str(email) for email in _queried(warehouse, LACKING_SQL, theirs)["email"].to_pylist()]


def _queried(warehouse: Warehouse, sql: str, theirs: pa.Table) -> pa.Table:
    with warehouse.transaction() as connection:
        connection.register("theirs", theirs)
        return connection.sql(sql).to_arrow_table()


def _write(folder: Path, name: str, content: bytes) -> None:
    # Hidden files do not land.
    unfinished = folder / f".{name}.unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / name)
    except OSError as error:
        raise storage_error(error, folder) from error

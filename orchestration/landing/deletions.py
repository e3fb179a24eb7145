"""What vanished from a source that is read whole: written down beside the landed rows, which stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from orchestration.connectors.commits import Commits
from orchestration.connectors.snapshots import FILE, KEY_SEPARATOR, keyed_with
from orchestration.connectors.streams import Stream
from orchestration.landing.keys import connector_key
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Change:
    """How many of a stream's keys its newest snapshot deleted, and how many came back."""

    stream: Stream
    deleted: int
    returned: int


def record(warehouse: Warehouse, settings: Settings, streams: list[Stream], seen_at: datetime) -> list[Change]:
    """Compares each stream's newest snapshot with what the stream ever delivered; each snapshot counts once.

    To be called when the snapshot's files have landed. A sync that failed has no snapshot, so it deletes nothing.
    """
    changes = []
    secret = connector_key(settings.secret)
    for stream in streams:
        commits = Commits(stream.folder(settings.home), stream.landing(settings.home))
        newest = commits.newest()
        # A snapshot under another secret would have none of the keys: the next sync makes one under this.
        if newest and commits.state().get("keyed_by") == keyed_with(secret):
            with warehouse.transaction() as connection:
                if not _is_recorded(connection, stream, newest.name):
                    changes.append(_record(connection, stream, newest, secret, seen_at))
    return changes


def _is_recorded(connection: DuckDBPyConnection, stream: Stream, snapshot: str) -> bool:
    found = connection.execute(
        "select 1 from raw.snapshots where source = ? and entity = ? and connector = ? and snapshot_id = ?",
        [stream.entity.source, stream.entity.name, stream.connector, snapshot],
    ).fetchall()
    return bool(found)


def _record(connection: DuckDBPyConnection, stream: Stream, newest: Path, secret: str, seen_at: datetime) -> Change:
    digests = pq.read_table(newest / FILE, columns=["key_digest"])
    connection.register("snapshot", digests)
    # No key where a part is missing: such a row is refused anyway.
    key = f" || '{KEY_SEPARATOR}' || ".join(f"trim({column})" for column in stream.entity.key)
    sql = Path(__file__).with_name("deletions.sql").read_text(encoding="utf-8")
    written = connection.execute(
        "insert into raw.deletions " + sql.format(key=key, table=f"raw.{stream.entity.table}") + "returning is_deleted",
        {
            "source": stream.entity.source,
            "entity": stream.entity.name,
            "connector": stream.connector,
            "secret": secret,
            "seen_at": seen_at.replace(tzinfo=None),
            "snapshot": newest.name,
        },
    ).fetchall()
    connection.unregister("snapshot")
    deleted = sum(is_deleted for (is_deleted,) in written)
    connection.execute(
        "insert into raw.snapshots values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            stream.entity.source, stream.entity.name, stream.connector, newest.name, digests.num_rows,
            deleted, len(written) - deleted, seen_at.replace(tzinfo=None),
        ],
    )  # fmt: skip
    return Change(stream, deleted, len(written) - deleted)

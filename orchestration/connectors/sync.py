"""One sync of one stream: what is new at the source becomes files of the landing zone.

dlt does the reading. Its pipelines, and so `dlt_assets`, are not used: they keep the cursor when a killed run's
package is dropped, and type columns that landing takes as text. Files and cursor are one commit here.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from orchestration.connectors import last_syncs, rest, sql
from orchestration.connectors.commits import Commits
from orchestration.connectors.environment import keep_dlt_at_home
from orchestration.connectors.failures import sentence
from orchestration.connectors.positions import Position
from orchestration.connectors.rows import Renaming, Row, digest, line, value_at
from orchestration.connectors.snapshots import Snapshot, key_digest, keyed_with
from orchestration.connectors.streams import SqlTable, Stream
from orchestration.errors import ConnectorError, SincerelyError
from orchestration.landing.keys import connector_key
from orchestration.locks import exclusive
from orchestration.settings import Settings

_ENDING = ".jsonl.gz"
# Within this a sync of the same stream in another process ends, or somebody is told.
_LOCK_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Sync:
    """What a sync came to. `problem` is a sentence, empty when all was read."""

    rows_read: int
    rows_delivered: int
    files: int
    problem: str = ""


def sync(stream: Stream, settings: Settings) -> Sync:
    """Reads what is new since the last sync and delivers it; after a failure, what was committed before it stays."""
    run = _Run(stream, settings)
    problem = ""
    try:
        with exclusive(run.lock, wait_seconds=_LOCK_WAIT_SECONDS):
            run.read()
    except SincerelyError as error:
        problem = sentence(stream, error) if isinstance(error, ConnectorError) else str(error)
    except Exception as error:
        problem = sentence(stream, error)
    done = Sync(run.rows_read, run.rows_delivered, run.files, problem)
    last_syncs.write(stream.folder(settings.home), done.rows_delivered, problem)
    return done


class _Run:
    def __init__(self, stream: Stream, settings: Settings) -> None:
        folder = stream.folder(settings.home)
        folder.mkdir(parents=True, exist_ok=True)
        keep_dlt_at_home(settings.home)
        self.lock = folder / "lock"
        self.rows_read = self.rows_delivered = self.files = 0
        self._stream = stream
        self._commits = Commits(folder, stream.landing(settings.home))
        self._secret = connector_key(settings.secret)
        self._renaming = Renaming(stream.columns)

    def read(self) -> None:
        self.files += self._commits.deliver()
        if self._stream.cursor is None:
            self._read_all()
        else:
            self._read_new(Position.from_json(self._stream.cursor, self._commits.state().get("position")))

    def _read_new(self, position: Position) -> None:
        cursor = position.cursor
        batch = _Batch(self._commits)
        # A copy to read from: the position moves while dlt reads.
        for item in self._items(Position(cursor, position.newest)):
            row, content = self._taken(item)
            if position.is_new(digest(content, self._secret.encode()), value_at(item, cursor.column)):
                batch.add(row, content)
            if cursor.is_ordered and batch.rows >= self._stream.part_rows:
                self._commit(batch, {"position": position.as_json()})
                batch = _Batch(self._commits)
        if batch.rows:
            self._commit(batch, {"position": position.as_json()})
        batch.close()

    def _read_all(self) -> None:
        batch, snapshot = _Batch(self._commits), Snapshot(self._commits.newest())
        key = self._stream.entity.key
        for item in self._items(None):
            row, content = self._taken(item)
            row_digest = digest(content, self._secret.encode())
            if snapshot.is_new(key_digest(row, key, self._secret) if key else row_digest, row_digest):
                # A row that goes back to what it was is no repeat: each version says which sync found it.
                version = {**row, "synced_at": batch.started_at}
                batch.add(version, line(version))
        if not snapshot.rows_count and snapshot.rows_before and not self._stream.allow_empty:
            raise ConnectorError(
                f"came back empty after {snapshot.rows_before:,} rows in the sync before; nothing was deleted. "
                "If it is meant to be empty, write allow_empty = true in sources.toml, and run again"
            )
        if batch.rows or snapshot.has_changed:
            snapshot.write(batch.folder)
            keyed_by = keyed_with(self._secret) if key else ""
            self._commit(batch, {"rows": snapshot.rows_count, "keyed_by": keyed_by})
        batch.close()

    def _items(self, position: Position | None) -> Iterator[Mapping[str, Any]]:
        origin = self._stream.origin
        return sql.read(origin, position) if isinstance(origin, SqlTable) else rest.read(origin, position)

    def _taken(self, item: Any) -> tuple[Row, bytes]:
        self.rows_read += 1
        if not isinstance(item, Mapping):
            raise ConnectorError('gives something else than records; name where they are, as in records = "data"')
        row = self._renaming.row(item)
        return row, line(row)

    def _commit(self, batch: _Batch, state: dict[str, Any]) -> None:
        batch.close()
        missing = self._stream.entity.missing(batch.columns) if batch.rows else []
        if missing:
            raise ConnectorError(
                f"has no column {', '.join(missing)}; it has {', '.join(sorted(batch.columns - {'synced_at'}))}. "
                f'Say which one it is in sources.toml, as in columns = {{{missing[0].split(" ")[0]} = "..."}}'
            )
        self._commits.commit({**state, "rows_delivered": batch.rows})
        self.rows_delivered += batch.rows
        self.files += bool(batch.rows)


class _Batch:
    """Rows on their way into one file, which is not made before the first row."""

    def __init__(self, commits: Commits) -> None:
        self.folder: Path = commits.begin()
        self.rows = 0
        self.columns: set[str] = set()
        self.started_at = datetime.now(UTC).isoformat()
        self._path = commits.data_file(_ENDING)
        self._file: gzip.GzipFile | None = None
        self._raw: BinaryIO | None = None

    def add(self, row: Row, content: bytes) -> None:
        if self._file is None:
            self._raw = self._path.open("wb")
            # Without a time in it, the same rows are the same bytes.
            self._file = gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=self._raw, mtime=0)
        self._file.write(content)
        self.rows += 1
        self.columns.update(row)

    def close(self) -> None:
        if self._file is not None and self._raw is not None:
            self._file.close()
            self._raw.close()
            self._file = None

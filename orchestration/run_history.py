"""Dagster's history of a run, in SQLite: what is written does not wait for the disk at every event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_BUSY_SECONDS = 60


@contextmanager
def written_lazily(folder: Path) -> Iterator[None]:
    """While it lasts, a commit to the SQLite files under `folder` is not pushed to the disk.

    Dagster opens and closes a connection for each of a run's thousands of events; each time the last one closes, SQLite
    writes its log back and waits. A connection of ours that stays open spares that, and `synchronous = normal` the wait
    at each commit. After a loss of power the last events of the history may lack, and never a table, nor a message: the
    outbox is elsewhere. Source: https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    with _few_writes(folder), _kept_events():
        yield


@contextmanager
def _kept_events() -> Iterator[None]:
    """One connection for all events of a run: to open one takes Dagster longer than to write the event."""
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

    connect = SqliteEventLogStorage._connect
    engines: dict[str, sa.Engine] = {}

    @contextmanager
    def connected(self: SqliteEventLogStorage, shard: str) -> Iterator[sa.Connection]:
        name = self.conn_string_for_shard(shard)
        if name not in engines:
            with connect(self, shard) as first:  # which makes the file
                yield first
            arguments = {"check_same_thread": False, "timeout": _BUSY_SECONDS}
            engines[name] = sa.create_engine(name, poolclass=sa.StaticPool, connect_args=arguments)
            return
        # One at a time, as before: the lock is what makes it safe to share.
        with self._db_lock, engines[name].connect() as connection, connection.begin():
            yield connection

    SqliteEventLogStorage._connect = connected  # type: ignore[method-assign]
    try:
        yield
    finally:
        SqliteEventLogStorage._connect = connect  # type: ignore[method-assign]
        for engine in engines.values():
            engine.dispose()


@contextmanager
def _few_writes(folder: Path) -> Iterator[None]:
    inside = str(folder.resolve())
    kept: dict[str, sqlite3.Connection] = {}

    def connected(connection: Any, _: Any) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        file = str(connection.execute("pragma database_list").fetchone()[2] or "")
        if not file.startswith(inside):
            return
        connection.execute("pragma synchronous = normal")
        if file not in kept:
            kept[file] = sqlite3.connect(file, check_same_thread=False)
            kept[file].execute("select count(*) from sqlite_master").fetchone()

    sa.event.listen(sa.Engine, "connect", connected)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", connected)
        for connection in kept.values():
            connection.close()

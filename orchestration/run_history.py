"""Dagster's history of a run, in SQLite: what is written does not wait for the disk at every event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa


@contextmanager
def written_lazily(folder: Path) -> Iterator[None]:
    """While it lasts, a commit to the SQLite files under `folder` is not pushed to the disk.

    Dagster opens and closes a connection for each of a run's thousands of events; each time the last one closes, SQLite
    writes its log back and waits. A connection of ours that stays open spares that, and `synchronous = normal` the wait
    at each commit. After a loss of power the last events of the history may lack, and never a table, nor a message: the
    outbox is elsewhere. Source: https://www.sqlite.org/pragma.html#pragma_synchronous
    """
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

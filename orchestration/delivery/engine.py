"""The database of what was promised and handed over: what is committed there survives a power cut."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from orchestration.errors import DeliveryError, StorageError

_PRAGMAS = (
    "journal_mode = wal",
    "synchronous = full",
    "busy_timeout = 30000",
    # Keys are hashes, so that messages written together touch pages far apart: 64 MB are copied back at a time.
    "wal_autocheckpoint = 16000",
    "cache_size = -64000",
    # What is deleted is overwritten where that writes no more pages; a batch would be written a last time for it.
    "secure_delete = fast",
)
# Threads of one process queue for the writer's place: SQLite lets who waits sleep, and longer each time.
_WRITER = "writer"


def durable_engine(url: str) -> sa.Engine:
    """An engine for a SQLAlchemy URL; SQLite in WAL mode, on disk at each commit, waiting 30 s for another writer."""
    engine = sa.create_engine(url, execution_options={_WRITER: threading.Lock()})
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _make_durable)
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that may read before it writes: SQLite takes its one writer's place at the start, not half-way."""
    if engine.dialect.name != "sqlite":
        with storage(), engine.begin() as connection:
            yield connection
        return
    with storage(), engine.get_execution_options()[_WRITER], engine.begin() as connection:
        connection.exec_driver_sql("begin immediate")
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to read by."""
    with storage(), engine.connect() as connection:
        yield connection


@contextmanager
def storage() -> Iterator[None]:
    """Says in our own errors what is wrong with the outbox's database."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise DeliveryError(
            "Another run planned the same messages at the same time; nothing was planned twice. Run again."
        ) from error
    except sa.exc.OperationalError as error:
        raise StorageError(
            f"The outbox cannot be used: {error.orig}. Check the disk and SINCERELY_OUTBOX_URL, "
            "then run again: nothing is sent twice."
        ) from error


def _make_durable(connection: Any, _record: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"pragma {pragma}")

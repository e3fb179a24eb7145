"""The database of what was promised and handed over: what is committed there survives a power cut."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def durable_engine(url: str) -> sa.Engine:
    """An engine for a SQLAlchemy URL; SQLite in WAL mode, on disk at each commit, waiting 30 s for another writer."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _make_durable)
    return engine


def _make_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 30000"):
        connection.execute(f"pragma {pragma}")

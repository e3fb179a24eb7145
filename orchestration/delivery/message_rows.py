"""New messages as rows of the outbox. Many go in at once by the driver's own statement: what SQLAlchemy does for each
row costs as much as the database does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from orchestration.delivery.outbox_tables import MESSAGES

# The columns of a new row, in its order; no attempt was made yet, and it is its first revision.
COLUMNS = (
    "message_id", "campaign", "occurrence", "person_id", "email", "variant", "is_holdout", "state", "planned_at",
    "not_before", "expires_at", "quiet_hours", "decisions", "batch_id",
)  # fmt: skip
_GIVEN: dict[str, sa.BindParameter[Any]] = {column: sa.bindparam(column) for column in COLUMNS}
# What is the same for all stands in the statement: to give it with each row costs as much as what differs.
_INSERT = sa.insert(MESSAGES).values(**_GIVEN, attempts=sa.literal_column("0"), revision=sa.literal_column("1"))
_KEPT_INSTANTS = 4_096

Stamp = Callable[[datetime | None], Any]


def insert(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows of COLUMNS, whose instants are `stamper`'s."""
    if connection.dialect.positional:
        connection.exec_driver_sql(_statement(connection.dialect), list(rows))
    else:
        named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        connection.exec_driver_sql(_statement(connection.dialect), named)


def stamper(dialect: sa.Dialect) -> Stamp:
    """How the database's driver is given an instant; many messages share one."""
    stamp: Stamp | None = sa.DateTime().dialect_impl(dialect).bind_processor(dialect)
    return lru_cache(_KEPT_INSTANTS)(stamp) if stamp else _as_it_is


def _as_it_is(instant: datetime | None) -> datetime | None:
    return instant


@lru_cache(maxsize=8)
def _statement(dialect: sa.Dialect) -> str:
    return str(_INSERT.compile(dialect=dialect))

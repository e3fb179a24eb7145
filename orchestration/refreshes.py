"""What the built tables speak of, as the last refresh noted it (macros/refresh.sql)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.settings import parse_instant
from orchestration.warehouse import Warehouse

_TABLE = "core.refreshes"
_LAST = f"select as_of, known_at, mode from {_TABLE} order by refresh desc limit 1"


@dataclass(frozen=True)
class Refresh:
    """The instant that the tables speak of, and until when rows had to have landed; None for all rows. Both are UTC.

    Its mode is full, incremental or partial; a partial one changed what is of `core.changed_people`, and nothing else.
    """

    as_of: datetime
    known_at: datetime | None
    mode: str = "full"


def last(warehouse: Warehouse) -> Refresh | None:
    """The refresh that the tables are from; None before the first one."""
    for row in warehouse.rows(_LAST) if warehouse.exists(_TABLE) else []:
        known_at = parse_instant(row["known_at"], _TABLE) if row["known_at"] else None
        return Refresh(row["as_of"].replace(tzinfo=UTC), known_at, row["mode"])
    return None


def is_of_all_that_landed(warehouse: Warehouse) -> bool:
    """Whether nothing was left out for having landed late; what a look at the past finds must leave no trace."""
    return speaks_of_all_that_landed(last(warehouse))


def speaks_of_all_that_landed(refresh: Refresh | None) -> bool:
    """The same of a refresh; None before the first one."""
    return refresh is None or refresh.known_at is None

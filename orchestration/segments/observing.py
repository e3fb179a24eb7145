"""What a build found in the segments is an observation: it is noted once, and lands like any source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration import refreshes
from orchestration.refreshes import Refresh
from orchestration.warehouse import Warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SQL = Path(__file__).parent
DUE = (_SQL / "due.sql").read_text(encoding="utf-8")
FOLLOWS = (_SQL / "follows.sql").read_text(encoding="utf-8")
_CHANGES = (_SQL / "changes.sql").read_text(encoding="utf-8")
# To look at everybody takes ten times as long as to look at those of whom a refresh can have found something: what a
# trigger asked for changed these alone, and any other one saw these enter, leave, or go by another id.
CHANGES_OF_FEW = {
    mode: _CHANGES.replace("true /* of whom */", f"person_id in ({people})")
    for mode, people in (
        ("partial", "select person_id from core.changed_people"),
        ("incremental", "select person_id from core.segment_changes_now union select person_id from core.moved_people"),
    )
}
_FAILURES = "select segment, failure from core.segment_refreshes where not is_refreshed order by segment"


@dataclass(frozen=True)
class Observed:
    """How many segments were noted, how many changes in them, and which could not be refreshed and why."""

    segments: int
    changes: int
    failures: dict[str, str]


def observe(warehouse: Warehouse, landed_at: datetime) -> Observed:
    """Notes who entered and left since the builds before; a second time, or looking at the past, it notes nothing."""
    with warehouse.kept_open():
        refresh = refreshes.last(warehouse)
        if not refreshes.speaks_of_all_that_landed(refresh):
            return Observed(0, 0, {})
        with warehouse.transaction() as connection:
            return _observed(connection, refresh, landed_at)


def _observed(connection: DuckDBPyConnection, refresh: Refresh | None, landed_at: datetime) -> Observed:
    at = [landed_at.replace(tzinfo=None)]
    connection.execute(f"create temp table due_segments as {DUE}")
    changes = _CHANGES
    if refresh and refresh.mode in CHANGES_OF_FEW:
        ((follows,),) = connection.execute(FOLLOWS).fetchall()
        changes = CHANGES_OF_FEW[refresh.mode] if follows else _CHANGES
    added = connection.execute(
        f"insert into raw.segment_changes by name select *, ? as _landed_at from ({changes}) as changes", at
    ).fetchall()
    looked_at = connection.execute(
        "insert into raw.segment_observations by name "
        "select segment, built_at as observed_at, count(person_id) as members_count, ? as _landed_at "
        "from due_segments left join core.segment_members using (segment) group by all order by segment",
        at,
    ).fetchall()
    connection.execute("drop table due_segments")
    failures = dict(connection.execute(_FAILURES).fetchall())
    return Observed(int(looked_at[0][0]), int(added[0][0]), failures)

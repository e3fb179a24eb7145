"""What a build found in the segments is an observation: it is noted once, and lands like any source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration import refreshes
from orchestration.warehouse import Warehouse

_SQL = Path(__file__).parent
DUE = (_SQL / "due.sql").read_text(encoding="utf-8")
_CHANGES = (_SQL / "changes.sql").read_text(encoding="utf-8")
# What a trigger asked for changed these alone, and to look at all others takes ten times as long.
CHANGES_OF_FEW = _CHANGES.replace(
    "true /* of whom */", "person_id in (select changed.person_id from core.changed_people as changed)"
)
_FAILURES = "select segment, failure from core.segment_refreshes where not is_refreshed order by segment"


@dataclass(frozen=True)
class Observed:
    """How many segments were noted, how many changes in them, and which could not be refreshed and why."""

    segments: int
    changes: int
    failures: dict[str, str]


def observe(warehouse: Warehouse, landed_at: datetime) -> Observed:
    """Notes who entered and left since the builds before; a second time, or looking at the past, it notes nothing."""
    refresh = refreshes.last(warehouse)
    if not refreshes.speaks_of_all_that_landed(refresh):
        return Observed(0, 0, {})
    changes = CHANGES_OF_FEW if refresh and refresh.is_partial else _CHANGES
    at = [landed_at.replace(tzinfo=None)]
    with warehouse.transaction() as connection:
        connection.execute(f"create temp table due_segments as {DUE}")
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

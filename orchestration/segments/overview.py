"""What there is to know of segments: sizes, who came and went, owners, overlap, history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestration.segments.definitions import Definition, definitions, shown
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_SIZES = Path(__file__).with_name("sizes.sql").read_text(encoding="utf-8")
_SAMPLE = """
    select memberships.person_id, profiles.email, profiles.lifecycle_stage, memberships.member_since
    from core.segment_memberships as memberships
    left join core.profiles as profiles using (person_id)
    where memberships.segment = ?
    order by memberships.member_since desc, memberships.person_id
    limit ?
"""
_OVERLAP = """
    select others.segment, count(*) as people_count
    from core.segment_memberships as mine
    inner join core.segment_memberships as others
        on mine.person_id = others.person_id and mine.segment <> others.segment
    where mine.segment = ?
    group by others.segment
    order by people_count desc, others.segment
"""
_HISTORY = """
    with changes as (
        select
            changed_at,
            count(*) filter (change = 'entered') as entered_count,
            count(*) filter (change = 'exited') as exited_count
        from core.segment_transitions
        where segment = ?
        group by changed_at
    )
    select
        observations.observed_at,
        observations.members_count,
        coalesce(changes.entered_count, 0) as entered_count,
        coalesce(changes.exited_count, 0) as exited_count
    from raw.segment_observations as observations
    left join changes on observations.observed_at = changes.changed_at
    where
        observations.segment = ?
        and observations.observed_at <= (select max(built_at) from core.segment_refreshes)
    order by observations.observed_at
"""
_BARS = "▁▂▃▄▅▆▇█"


def listed(settings: Settings) -> list[dict[str, Any]]:
    """One row per segment: what its files say, and what the last build found; a file not built yet has no size."""
    built = {row["segment"]: row for row in _sizes(settings)}
    return [_row(each, built.get(each.name)) for each in definitions().values()]


def described(settings: Settings, segment: Definition, sample: int) -> dict[str, Any]:
    """All that there is to know of one segment."""
    built = {row["segment"]: row for row in _sizes(settings)}.get(segment.name)
    facts = _row(segment, built)
    if built is None:
        return {**facts, "sample": [], "overlap": [], "history": []}
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    size = facts["people"]
    overlap = [
        {**row, "share": round(row["people_count"] / size, 4)} for row in warehouse.rows(_OVERLAP, [segment.name])
    ]
    return {
        **facts,
        "sample": warehouse.rows(_SAMPLE, [segment.name, sample]),
        "overlap": overlap,
        "history": warehouse.rows(_HISTORY, [segment.name, segment.name]),
    }


def sparkline(sizes: Iterable[int], width: int = 40) -> str:
    """The last sizes as bars, from nothing to the greatest of them."""
    last = list(sizes)[-width:]
    top = max(last, default=0) or 1
    return "".join(_BARS[round(size / top * (len(_BARS) - 1))] for size in last)


def _sizes(settings: Settings) -> list[dict[str, Any]]:
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    if not settings.warehouse.exists() or not warehouse.exists("core.segment_memberships"):
        return []
    return warehouse.rows(_SIZES) if warehouse.exists("core.segment_refreshes") else []


def _row(segment: Definition, built: dict[str, Any] | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "segment": segment.name,
        "owner": segment.owner,
        "purpose": segment.purpose,
        "freshness_hours": segment.freshness_hours,
        "tags": list(segment.tags),
        "is_for_mailing": segment.is_for_mailing,
        "file": shown(segment.file),
        "people": built["members_count"] if built else None,
        "entered": built["entered_count"] if built else None,
        "exited": built["exited_count"] if built else None,
        "built_at": built["built_at"] if built else None,
        "refreshed_at": built["refreshed_at"] if built else None,
        "failure": built["failure"] if built else None,
    }
    return {**facts, "state": _state(segment, built)}


def _state(segment: Definition, built: dict[str, Any] | None) -> str:
    if built is None:
        return "not built yet"
    if built["is_refreshed"]:
        return "refreshed"
    limit = timedelta(hours=segment.freshness_hours) if segment.freshness_hours else None
    if built["refreshed_at"] is None:
        return "failed, never built"
    is_stale = limit is not None and built["built_at"] - built["refreshed_at"] > limit
    return "failed, stale" if is_stale else "failed, kept"

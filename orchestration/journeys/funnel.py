"""How far people have come in each journey: facts for the command line and the report."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from orchestration.errors import SincerelyError
from orchestration.warehouse import Warehouse
from rendering.journey_parts import in_words
from rendering.located import did_you_mean

FUNNEL_SQL = Path(__file__).with_name("funnel.sql").read_text(encoding="utf-8")
_WHOLE = ("entries", "people", "in_journey", "exited", "completed", "goals")
_STEP = ("sent", "skipped", "due", "waiting", "exited")


def funnels(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Each journey with its counts and its steps in their order; nothing when none is built."""
    if not warehouse.path.exists() or not warehouse.exists("core.journey_funnel"):
        return []
    rows = warehouse.rows(FUNNEL_SQL)
    return [_funnel(list(found)) for _, found in groupby(rows, key=lambda row: row["journey"])]


def funnel_named(warehouse: Warehouse, name: str) -> dict[str, Any]:
    """One journey's; SincerelyError says what there is instead."""
    found = funnels(warehouse)
    for funnel in found:
        if funnel["journey"] == name:
            return funnel
    if not found:
        raise SincerelyError("No journey is built yet; run `sincerely run` first.")
    names = tuple(funnel["journey"] for funnel in found)
    raise SincerelyError(f"There is no journey {name}; there are {', '.join(names)}.{did_you_mean(name, names)}")


def _funnel(rows: list[dict[str, Any]]) -> dict[str, Any]:
    whole, *steps = rows
    counts = {**whole, "in_journey_count": whole["waiting_count"], "goals_count": whole["goal_count"]}
    return {
        "journey": whole["journey"],
        "title": whole["title"],
        "entry": " or ".join(whole["entry"]),
        "goal": " or ".join(whole["goal"]),
        "reentry": _reentry(whole),
        **{name: int(counts[f"{name}_count"]) for name in _WHOLE},
        "exits": _reasons(whole),
        "steps": [_step(row) for row in steps],
    }


def _step(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "step": row["step"],
        "campaign": row["campaign"],
        "wait": in_words(timedelta(seconds=row["wait_seconds"])),
        **{name: int(row[f"{name}_count"]) for name in _STEP},
        "skips": _reasons(row),
    }


def _reasons(row: dict[str, Any]) -> dict[str, int]:
    return {each["reason"]: int(each["entries"]) for each in row["reasons"] or []}


def _reentry(row: dict[str, Any]) -> str:
    if row["reentry"] == "after":
        return f"anew {in_words(timedelta(seconds=row['reentry_seconds']))} after the last end"
    return {"never": "once", "always": "each time anew"}[row["reentry"]]

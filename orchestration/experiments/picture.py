"""Experiments' results for the report: each lift with its interval, drawn on one scale."""

from __future__ import annotations

from typing import Any

from orchestration.experiments.tables import RESULTS_SQL, TABLE
from orchestration.warehouse import Warehouse

# A lift beyond it runs out of the picture: a small control makes intervals of any width.
_WIDEST = 1.0
_NARROWEST = 0.05


def shown(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The results by campaign, each row with `low`, `high` and `at` as shares of the picture's width, in whose middle
    no lift stands; None where nothing can be drawn. Empty before anything was measured."""
    if not warehouse.exists(TABLE):
        return []
    rows = warehouse.rows(RESULTS_SQL)
    reach = _reach(rows)
    return [row | {"reach": reach, **_place(row, reach)} for row in rows]


def _reach(rows: list[dict[str, Any]]) -> float:
    ends = [abs(row[end]) for row in rows for end in ("lift_low", "lift_high") if row[end] is not None]
    return min(max([_NARROWEST, *ends]), _WIDEST)


def _place(row: dict[str, Any], reach: float) -> dict[str, float | None]:
    if row["lift"] is None or row["lift_low"] is None:
        return {"low": None, "high": None, "at": None}

    def share(lift: float) -> float:
        return round((min(max(lift, -reach), reach) + reach) / (2 * reach), 4)

    return {"low": share(row["lift_low"]), "high": share(row["lift_high"]), "at": share(row["lift"])}

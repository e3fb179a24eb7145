"""Past scores, kept to be held against what followed: the first scoring of each calendar month of as_of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from orchestration.warehouse import Warehouse

_KEEP = Path(__file__).with_name("keep_scores.sql").read_text(encoding="utf-8")
_TABLES = Path(__file__).parent.parent / "landing" / "empty_tables.sql"


def keep(warehouse: Warehouse) -> int:
    """Keeps the scores that stand, if none of their month is kept; returns how many people's that were."""
    landed_at = datetime.now(UTC).replace(tzinfo=None)
    with warehouse.transaction() as connection:
        connection.execute(_TABLES.read_text(encoding="utf-8"))
        return int(connection.execute(_KEEP, [landed_at]).fetchall()[0][0])

"""Whether a version's past scores held, as the last build measured it (ml.model_decay)."""

from __future__ import annotations

from orchestration.warehouse import Warehouse

_LATEST = """
    select words
    from ml.model_decay
    where model = ? and version = ?
    order by scored_at desc
    limit 1
"""


def words(warehouse: Warehouse, model: str, version: str) -> str:
    """How the latest finished scores of a version failed, as a clause; nothing when they held, or none is finished."""
    if not warehouse.exists("ml.model_decay"):
        return ""
    found = warehouse.rows(_LATEST, [model, version])
    return str(found[0]["words"] or "") if found else ""

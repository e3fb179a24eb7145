"""How a model ages, as the last build measured it: who is scored, and how past scores held."""

from __future__ import annotations

from orchestration.warehouse import Warehouse

DRIFT_SQL = "select feature, psi, grows_with_time from ml.feature_drift order by feature"
VERSION_SQL = "select any_value(model_version) as version from ml.churn_predictions"
DECAY_SQL = """
    select words
    from ml.model_decay
    where model = ? and version = ?
    order by scored_at desc
    limit 1
"""


def version_in_use(warehouse: Warehouse) -> str | None:
    """The version that made the churn predictions that stand; None where there are none."""
    found = warehouse.rows(VERSION_SQL)
    return found[0]["version"] if found else None


def decayed(warehouse: Warehouse, model: str, version: str | None) -> str:
    """How the latest finished scores of a version failed, as a clause; nothing when they held, or none is finished."""
    if not warehouse.exists("ml.model_decay"):
        return ""
    found = warehouse.rows(DECAY_SQL, [model, version])
    return str(found[0]["words"] or "") if found else ""

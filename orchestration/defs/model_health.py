"""How the models age: what SQL found in past scores, and in the people who are scored."""

from typing import Any

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import keep, picture, verdict
from orchestration.models import health

_KEY = ["quality", "model_health"]


@dg.asset(
    key=_KEY,
    group_name="quality",
    kinds={"python"},
    deps=[["ml", "feature_drift"], ["ml", "model_decay"]],
    check_specs=[
        dg.AssetCheckSpec(
            "population_is_stable",
            asset=_KEY,
            description="Who is scored is much like who the churn model learned from (psi_limit).",
        ),
        dg.AssetCheckSpec(
            "past_scores_held",
            asset=_KEY,
            description="The last scores whose horizon is over ranked and measured as promised (decay_ vars).",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def model_health(home: Home) -> dg.MaterializeResult:
    """Drift and decay of the churn model, as a picture and as sentences; a decayed version is replaced by the next."""
    # Imported when it runs: the numeric libraries take seconds, and most runs train nothing.
    from ml import plots
    from orchestration.training import drift_limit

    warehouse, limit = home.warehouse(), drift_limit()
    found = warehouse.table(health.DRIFT_SQL)
    moved = [row for row in found.to_pylist() if row["psi"] > limit and not row["grows_with_time"]]
    version = health.version_in_use(warehouse)
    plot = plots.drift(found, limit=limit)
    keep(plot, home.settings().models / "churn", "drift")
    return dg.MaterializeResult(
        metadata={"dagster/row_count": found.num_rows, "drift": picture(plot)},
        check_results=[
            verdict("population_is_stable", _drift_words(moved, limit)),
            verdict("past_scores_held", _decay_words(version, health.decayed(warehouse, "churn", version))),
        ],
    )


def _drift_words(moved: list[dict[str, Any]], limit: float) -> str:
    if not moved:
        return ""
    largest = sorted(moved, key=lambda row: -row["psi"])[:3]
    named = ", ".join(f"{row['feature']} {row['psi']:.2f}" for row in largest)
    return (
        f"Churn: the people who are scored differ from those that the model learned from in {len(moved)} of its "
        f"features by more than psi_limit ({limit}), most in {named}; ml.feature_drift has all."
    )


def _decay_words(version: str | None, words: str) -> str:
    return f"Churn: {version} has decayed: {words}; the next training replaces it." if words else ""

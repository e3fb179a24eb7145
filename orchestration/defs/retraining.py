"""A sensor: a model whose past scores did not hold is trained again at once, not in the next night."""

import dagster as dg

from orchestration.defs.automation import train
from orchestration.errors import LockedError
from orchestration.models import health
from orchestration.sensing import busy, warehouse_at_once

_EVERY_SECONDS = 300


@dg.sensor(
    job=train,
    minimum_interval_seconds=_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Trains once more when the version in use has decayed (ml.model_decay). Off by default.",
)
def decayed_model(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One training for each version that decayed: what it makes need not be better, only no worse, to score."""
    if words := busy(context):
        return dg.SkipReason(words)
    warehouse = warehouse_at_once()
    try:
        if not warehouse.exists("ml.churn_predictions"):
            return dg.SkipReason("No model has scored yet.")
        version = health.version_in_use(warehouse)
        words = health.decayed(warehouse, "churn", version)
    except LockedError as error:
        return dg.SkipReason(str(error))
    if not words:
        return dg.SkipReason("What the churn model said before has held, or nothing of it is over yet.")
    return dg.RunRequest(run_key=f"churn {version}", tags={"sincerely/decayed": f"{version}: {words}"})

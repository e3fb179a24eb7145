"""What sensors share: they wait for nobody, and look again soon."""

from __future__ import annotations

import dagster as dg

from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse

_UNDER_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def busy(context: dg.SensorEvaluationContext) -> str:
    """That a run is under way, which may see what the sensor looks for; nothing where none is."""
    runs = context.instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY), limit=1)
    return f"A run of {runs[0].dagster_run.job_name} is under way." if runs else ""


def warehouse_at_once() -> Warehouse:
    """One that does not wait for whoever holds it: LockedError."""
    settings = load_settings()
    return Warehouse(settings.warehouse, settings.memory_limit, lock_wait_seconds=1)

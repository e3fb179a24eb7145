"""Sensors: what lands and belongs to a trigger is seen at once, not within the hour."""

import hashlib
from collections.abc import Iterable

import dagster as dg

from orchestration.defs.automation import land, people
from orchestration.errors import LockedError
from orchestration.parts import TRIGGERS_TAG
from orchestration.sensing import busy, warehouse_at_once
from orchestration.settings import load_settings
from orchestration.triggers.waiting import new_files, waiting

_EVERY_SECONDS = 10


@dg.sensor(
    job=people,
    minimum_interval_seconds=_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Refreshes the people of whom an event of a trigger (seeds/triggers.csv) has landed. Off by default.",
)
def trigger_events(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run for what has fired since the last refresh; none while a run is under way, which may see it."""
    if words := busy(context):
        return dg.SkipReason(words)
    try:
        found = waiting(warehouse_at_once())
    except LockedError as error:
        return dg.SkipReason(str(error))
    if not found.fired:
        return dg.SkipReason(f"{len(found.loads)} loads wait for the next refresh, no event of a trigger among them.")
    words = ", ".join(f"{name} ({count:,})" for name, count in sorted(found.fired.items()))
    return dg.RunRequest(run_key=_key(found.loads), tags={TRIGGERS_TAG: words})


@dg.sensor(
    job=land,
    minimum_interval_seconds=_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Lands new files in the folders that triggers watch. Off by default.",
)
def trigger_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One landing for the files that are new or have grown."""
    if words := busy(context):
        return dg.SkipReason(words)
    try:
        files = new_files(warehouse_at_once(), load_settings().landing)
    except LockedError as error:
        return dg.SkipReason(str(error))
    if not files:
        return dg.SkipReason("No new file in the folders that triggers watch.")
    return dg.RunRequest(run_key=_key(files))


def _key(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

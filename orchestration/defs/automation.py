"""The jobs, and their schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.parts import PARTS

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as _Job


def _job(name: str, part: str, description: str) -> _Job:
    return dg.define_asset_job(name, selection=dg.AssetSelection.groups(*PARTS[part]), description=description)


refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("backtests"),
    description="The main job: land, build, train, render, hand over, report.",
)
people = _job(
    "people",
    "refresh",
    "What people need within the hour: land, bring profiles, stages, segments and journeys up to date, send.",
)
land = _job("land", "land", "Land what is new.")
train = _job("train", "train", "Train the models on what is built, and score everybody.")


def _schedule(name: str, job: _Job, cron: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"{description} Off by default: switch it on when the home is your own, not the demo's.",
    )


hourly = _schedule("hourly_refresh", people, "0 * * * *", "Every hour, what people need.")
nightly = _schedule("nightly_job", refresh, "30 3 * * *", "Every night, the main job: training, audits and report too.")

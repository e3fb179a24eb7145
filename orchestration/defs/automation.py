"""The main job, and its schedule."""

import dagster as dg

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    description="The main job: land, build, train, render, hand over, report.",
)

hourly = dg.ScheduleDefinition(
    name="hourly_refresh",
    job=refresh,
    cron_schedule="0 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Off by default: switch it on when the home is your own, not the demo's.",
)

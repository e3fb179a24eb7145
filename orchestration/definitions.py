"""The one entry for Dagster: assembles what stands in defs/, and names no asset."""

import dagster as dg

from orchestration import defs, garbage
from orchestration.defs import automation, retraining, triggers
from orchestration.defs.resources import Home

# Dagster's own processes begin here.
garbage.collect_rarely()

definitions = dg.Definitions(
    assets=dg.load_assets_from_package_module(defs),
    jobs=[automation.refresh, automation.people, automation.land, automation.train],
    schedules=[automation.hourly, automation.nightly],
    sensors=[triggers.trigger_events, triggers.trigger_files, retraining.decayed_model],
    resources={"home": Home()},
    # One process, one asset after another: DuckDB has one writer.
    executor=dg.in_process_executor,
)

"""The one entry for Dagster: assembles what stands in defs/, and names no asset."""

import dagster as dg

from orchestration import defs
from orchestration.defs import automation
from orchestration.defs.resources import Home

definitions = dg.Definitions(
    assets=dg.load_assets_from_package_module(defs),
    jobs=[automation.refresh],
    schedules=[automation.hourly],
    resources={"home": Home()},
    # One process, one asset after another: DuckDB has one writer.
    executor=dg.in_process_executor,
)

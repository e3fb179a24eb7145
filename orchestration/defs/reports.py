"""Reports: static pages made from the warehouse."""

import dataclasses

import dagster as dg

from orchestration import report
from orchestration.defs.resources import WAREHOUSE_POOL, Home


@dg.asset(
    key=["reports", "index"],
    group_name="reports",
    kinds={"html"},
    deps=[
        ["delivery", "messages"], ["delivery", "exclusions"], ["measurement", "campaign_results"],
        ["measurement", "experiment_results"],
        ["ml", "model_evaluations"], ["quality", "quarantine"], ["quality", "audits"],
        ["core", "segment_memberships"], ["quality", "unused_attributes"], ["core", "journey_funnel"],
    ],
    pool=WAREHOUSE_POOL,
)  # fmt: skip
def report_page(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """The report: people, segments, models against their baselines, messages, data quality."""
    settings = dataclasses.replace(home.settings(), as_of=home.instant(context))
    path = report.write(settings)
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.url(path.as_uri())})

"""The rules of campaigns, counted before a send."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.delivery import linting, rule_counts
from orchestration.settings import CAMPAIGNS
from rendering.campaign import load_campaigns


@dg.asset(
    key=["delivery", "rule_counts"],
    group_name="delivery",
    kinds={"duckdb", "yaml"},
    deps=[["core", "message_candidates"], ["core", "profiles"]],
    pool=WAREHOUSE_POOL,
)
def counted_rules(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """One row per campaign, slot and rule: how many people of the audience it matches, and how many get its block."""
    sound = [campaign for campaign in load_campaigns(CAMPAIGNS) if not linting.errors(campaign)]
    counts = rule_counts.record(home.warehouse(), sound, home.instant(context))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(counts),
            "rules_that_nobody_gets": sum(
                not count.wins_count for count in counts if count.condition and count.audience_count
            ),
        }
    )

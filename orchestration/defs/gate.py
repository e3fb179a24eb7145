"""The gate before the sending: what may not leave, and why."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.delivery.controls import Controls
from orchestration.gate import evaluating
from orchestration.settings import CAMPAIGNS
from rendering.campaign import load_campaigns

_KEY = ["delivery", "gate"]
_CHECK = "every_campaign_may_leave"


@dg.asset(
    key=_KEY,
    group_name="delivery",
    kinds={"duckdb"},
    deps=[
        ["core", "message_candidates"],
        ["core", "products"],
        ["core", "profiles"],
        ["core", "segment_refreshes"],
        ["quality", "freshness"],
        ["delivery", "complaint_rates"],
        ["ml", "model_decay"],
        ["ml", "recommendations"],
        ["raw", "campaigns"],
        ["raw", "journey_steps"],
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _CHECK,
            asset=dg.AssetKey(_KEY),
            description="No failed test, stale source, decayed model, unusual audience or lint error holds a campaign.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def gate(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """One row per campaign and check, or cause of a hold: what the check found, and who let it pass."""
    controls = Controls(home.settings().outbox_url)
    holds = evaluating.evaluate(home.warehouse(), controls, load_campaigns(CAMPAIGNS), home.instant(context))
    open_holds = [hold for hold in holds if hold.is_held]
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(holds), "campaigns_held": len(evaluating.held(holds))},
        check_results=[
            dg.AssetCheckResult(
                check_name=_CHECK,
                passed=not open_holds,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={f"hold_{number}": hold.sentence for number, hold in enumerate(open_holds, 1)},
            )
        ],
    )

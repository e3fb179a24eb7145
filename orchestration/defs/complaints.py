"""The alert for a campaign that people call spam."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.delivery.complaints import paused_by_complaints, warned_of_complaints

_KEY = ["delivery", "complaint_alerts"]


@dg.asset(
    key=_KEY,
    group_name="delivery",
    kinds={"python"},
    deps=[["delivery", "complaint_rates"]],
    check_specs=[
        dg.AssetCheckSpec(
            "complaints_below_limit",
            asset=_KEY,
            description="No campaign is paused because too many of those whom it reached complained.",
        ),
        dg.AssetCheckSpec(
            "complaints_below_warning",
            asset=_KEY,
            description="No campaign has more complaints than mailbox providers like to see.",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def complaint_alerts(home: Home) -> dg.MaterializeResult:
    """Campaigns that more people called spam than mailbox providers bear; the paused ones send nothing."""
    paused, warned = paused_by_complaints(home.warehouse()), warned_of_complaints(home.warehouse())
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(paused) + len(warned)},
        check_results=[
            dg.AssetCheckResult(
                check_name="complaints_below_limit",
                passed=not paused,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={name: f"{name} is paused: {reason}." for name, reason in paused.items()},
            ),
            dg.AssetCheckResult(
                check_name="complaints_below_warning",
                passed=not warned,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={name: f"{name}: {reason}." for name, reason in warned.items()},
            ),
        ],
    )

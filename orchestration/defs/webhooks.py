"""Webhooks out: the changes of segments, pushed to the receivers of the home's `webhooks.toml`."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.errors import LockedError
from orchestration.webhooks import pushing

_CHECK = "every_receiver_took_its_changes"


@dg.asset(
    key=["outbox", "webhook_deliveries"],
    group_name="delivery",
    kinds={"http", "sqlalchemy"},
    deps=[
        ["core", "segment_transitions"],
        ["core", "identity_map"],
        ["core", "identity_merges"],
        ["core", "profiles"],
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _CHECK,
            asset=dg.AssetKey(["outbox", "webhook_deliveries"]),
            description="Each webhook's receiver answered well to every change that was due for it.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def webhook_deliveries(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """Entries and exits of segments, each written down once and told to each webhook in order per person."""
    try:
        run = pushing.run(home.settings(), home.warehouse(), home.instant(context))
    except LockedError as error:  # somebody else delivers: what is due now is told by them, or by the next run
        run = pushing.Run(0, (), {"lock": f"Webhooks were left alone: {error}"})
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(pushed.delivered for pushed in run.pushed),
            "changes_taken": run.taken,
            "failed": sum(pushed.failed for pushed in run.pushed),
            "given_up": sum(pushed.given_up for pushed in run.pushed),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=_CHECK,
                passed=not run.problems,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=dict(run.problems),
            )
        ],
    )

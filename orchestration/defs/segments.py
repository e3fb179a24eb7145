"""What each build found in the segments, noted for those that come after it."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.segments import observing

_CHECK = "every_segment_is_refreshed"


@dg.asset(
    key=["raw", "segment_observations"],
    group_name="segments",
    kinds={"duckdb"},
    deps=[["core", "segment_members"], ["core", "segment_refreshes"]],
    check_specs=[
        dg.AssetCheckSpec(
            _CHECK,
            asset=dg.AssetKey(["raw", "segment_observations"]),
            description="No segment failed; one that did keeps its last members, and nobody is written to for it.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def segment_observations(home: Home) -> dg.MaterializeResult:
    """Who entered and left each segment since the builds before, and its size: landed once, like any source."""
    observed = observing.observe(home.warehouse(), datetime.now(UTC))
    return dg.MaterializeResult(
        metadata={"dagster/row_count": observed.changes, "segments": observed.segments},
        check_results=[
            dg.AssetCheckResult(check_name=_CHECK, passed=not observed.failures, metadata=dict(observed.failures))
        ],
    )

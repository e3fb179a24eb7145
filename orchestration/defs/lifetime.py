"""Next orders and their value: fitted on everyone's orders, checked on the days before as_of."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import election_check, specs


@dg.multi_asset(
    specs=specs(
        "lifetime",
        "lifetime_values",
        "lifetime_evaluations",
        [["ml", "lifetime_summaries"]],
        "One row per person who ever bought: when they order next, how often and for how much within the horizon.",
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "beats_past_rate",
            asset=["ml", "lifetime_values"],
            description="On the held-out days the expected orders are nearer than everyone's own past rate.",
        ),
        election_check(["ml", "lifetime_values"]),
    ],
    pool=WAREHOUSE_POOL,
)
def lifetime_model(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """When people order next, and what they will be worth."""
    # Imported when it runs: the numeric libraries take seconds, and most runs train nothing.
    from orchestration.models import lifetime_asset

    yield from lifetime_asset.results_of(home.warehouse(), home.settings(), home.instant(context))

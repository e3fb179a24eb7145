"""Experiments: what each campaign's arms came to, with intervals."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import verdict

_KEY = ["measurement", "experiment_results"]


@dg.asset(
    key=_KEY,
    group_name="measurement",
    kinds={"python", "scipy"},
    deps=[["measurement", "experiment_outcomes"], ["measurement", "campaign_results"]],
    check_specs=[
        dg.AssetCheckSpec(
            "arms_have_the_sizes_that_were_drawn",
            asset=_KEY,
            description="No campaign's arms differ in size from the shares of its file by more than chance would.",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def experiment_results(home: Home) -> dg.MaterializeResult:
    """One row per campaign, variant and metric: how it differs from its control, the first variant or the hold-out."""
    # Imported when it runs: the numeric libraries take seconds.
    from orchestration.experiments import outcomes

    results = outcomes.measure(home.warehouse())
    words = outcomes.mismatches(results)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": results.num_rows},
        check_results=[verdict("arms_have_the_sizes_that_were_drawn", " ".join(words))],
    )

"""The churn model: trained on what dbt built, evaluated on time it had not seen, scoring everybody."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import election_check, specs


@dg.multi_asset(
    specs=[
        *specs(
            "churn",
            "churn_predictions",
            "churn_evaluations",
            [["ml", "churn_examples"]],
            "One row per person who ever bought, with the probability that they buy nothing in the horizon, and why.",
        ),
        dg.AssetSpec(
            ["ml", "churn_training_scores"],
            deps=[["ml", "churn_examples"]],
            group_name="models",
            kinds={"python", "scikitlearn"},
            description="One row per training example, with the probability that the model in use gives it.",
        ),
        dg.AssetSpec(
            ["raw", "churn_scores"],
            deps=[["ml", "churn_examples"]],
            group_name="models",
            kinds={"duckdb"},
            description="What the model said of each person, once a calendar month: landed once, like any source.",
        ),
        dg.AssetSpec(
            ["ml", "model_figures"],
            deps=[["ml", "churn_examples"]],
            group_name="models",
            kinds={"python"},
            description=(
                "One row per stored version and metric, as measured on held-out time when it was trained; those of "
                "models that are trained after this one follow with its next training."
            ),
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "beats_recency",
            asset=["ml", "churn_predictions"],
            description="On the held-out month the model ranks better than the days since the last order.",
        ),
        dg.AssetCheckSpec(
            "is_calibrated",
            asset=["ml", "churn_predictions"],
            description="On the held-out month the probabilities are as near to what happened as the limit asks.",
        ),
        election_check(["ml", "churn_predictions"]),
    ],
    pool=WAREHOUSE_POOL,
)
def churn_model(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """Who will buy nothing in the next days."""
    # Imported when it runs: the numeric libraries take seconds, and most runs train nothing.
    from orchestration.models import churn_asset

    yield from churn_asset.results_of(home.warehouse(), home.settings(), home.instant(context))

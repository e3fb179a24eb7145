"""The recommendations: trained on purchases and views, evaluated on the month before, a list of each kind for all."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import election_check, specs


@dg.multi_asset(
    specs=specs(
        "recommendations",
        "recommendations",
        "recommendation_evaluations",
        [["ml", "recommendation_acts"], ["ml", "recommendable_products"]],
        "At most ten products per person and list: what they buy again, what they might try.",
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "beats_popularity",
            asset=["ml", "recommendations"],
            description="On the held-out month the lists find more than the most popular products do.",
        ),
        election_check(["ml", "recommendations"]),
    ],
    pool=WAREHOUSE_POOL,
)
def recommendation_models(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """What a person buys again, and what they might try."""
    # Imported when it runs: the numeric libraries take seconds, and most runs train nothing.
    from orchestration.models import recommendations_asset

    yield from recommendations_asset.results_of(home.warehouse(), home.settings(), home.instant(context))

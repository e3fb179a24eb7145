"""The recommendations: trained on purchases, evaluated on the month before, a list of each kind for everybody."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from ml import plots, ranking_evaluation, recommend
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import figures, keep, picture, specs, verdict
from orchestration.training import PEOPLE, PRODUCTS, PURCHASES, last_month, recommender_metadata


@dg.multi_asset(
    specs=specs(
        "recommendations",
        "recommendations",
        "recommendation_evaluations",
        [["ml", "interactions"], ["core", "products"], ["core", "people"]],
        "At most ten products per person and list: what they buy again, what they might try.",
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "beats_popularity",
            asset=["ml", "recommendations"],
            description="On the held-out month the lists find more than the most popular products do.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def recommendation_models(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """What a person buys again, and what they might try."""
    warehouse, settings, as_of = home.warehouse(), home.settings(), home.instant(context)
    purchases, products = warehouse.table(PURCHASES), warehouse.table(PRODUCTS)
    people = warehouse.table(PEOPLE)["person_id"].to_pylist()
    metadata = recommender_metadata(purchases, products, as_of)
    cutoff, until = last_month(as_of)
    evaluations = ranking_evaluation.evaluate_recommendations(
        purchases, products, cutoff=cutoff, until=until, version=metadata.version
    )
    model = recommend.fit(purchases, as_of=as_of)
    lists = recommend.recommend(model, products, people=people)
    stamped = lists.append_column("model_version", pa.repeat(metadata.version, lists.num_rows))
    rows = warehouse.replace("ml.recommendations", stamped)
    warehouse.replace("ml.recommendation_evaluations", evaluations)
    plot = plots.against_baseline(evaluations)
    keep(plot, settings.models / "recommendations")
    yield dg.MaterializeResult(
        asset_key=["ml", "recommendations"],
        metadata={
            "dagster/row_count": rows,
            "version": metadata.version,
            "quality": picture(plot),
            **figures(evaluations),
        },
        check_results=[verdict("beats_popularity", _doubts(evaluations))],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "recommendation_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )


def _doubts(evaluations: pa.Table) -> str:
    """Why the lists are not to be leaned on, in words, or nothing."""
    found = [row for row in evaluations.to_pylist() if row["metric"].startswith("recall") and row["value"] is not None]
    if not found:
        return "Recommendations: the month before as_of is too thin to measure their quality."
    worse = [row for row in found if row["value"] <= (row["baseline_value"] or 0)]
    if not worse:
        return ""
    figures_of = ", ".join(
        f"{row['model']} {row['metric']} {row['value']:.3f} against {row['baseline_value']:.3f}" for row in worse
    )
    return (
        f"Recommendations: on the held-out month they find no more than the most popular products do ({figures_of}); "
        "do not mail them until more months are landed."
    )

"""The recommendations: trained on purchases and views, evaluated on the month before, a list of each kind for all."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from ml import interactions, plots, ranking_evaluation, recommend, recommend_fit, store
from ml.recommend import Recommender
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import figures, keep, picture, specs
from orchestration.training import ACTS, ACTS_SUMMARY, PRODUCTS, last_month, recommender_metadata
from orchestration.warehouse import Change


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
        )
    ],
    pool=WAREHOUSE_POOL,
)
def recommendation_models(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """What a person buys again, and what they might try."""
    warehouse, settings, as_of = home.warehouse(), home.settings(), home.instant(context)
    products = warehouse.table(PRODUCTS)
    with warehouse.read(ACTS) as batches:
        acts = interactions.read(batches)
    model = recommend_fit.fit(acts, products, as_of=as_of)
    metadata = recommender_metadata(model, warehouse.table(ACTS_SUMMARY), products, as_of)
    cutoff, until = last_month(as_of)
    evaluations = ranking_evaluation.evaluate_recommendations(
        acts, products, cutoff=cutoff, until=until, version=metadata.version
    )
    version = store.save(model, metadata, settings.models)
    store.promote(settings.models, metadata.name, version)
    rows = warehouse.derive("ml.recommendations", ACTS, _lists(model, products, version))
    warehouse.replace("ml.recommendation_evaluations", evaluations)
    plot = plots.against_baseline(evaluations)
    keep(plot, settings.models / metadata.name)
    yield dg.MaterializeResult(
        asset_key=["ml", "recommendations"],
        metadata={
            "dagster/row_count": rows,
            "note": model.note,
            "version": version,
            "quality": picture(plot),
            **figures(evaluations),
        },
        check_results=[_beats_popularity(evaluations, model.note)],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "recommendation_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )


def _lists(model: Recommender, products: pa.Table, version: str) -> Change:
    schema = recommend.SCHEMA.append(pa.field("model_version", pa.string()))

    def change(acts: pa.RecordBatchReader) -> pa.RecordBatchReader:
        lists = recommend.recommend_blocks(model, products, acts)
        stamped = (
            pa.RecordBatch.from_arrays([*batch.columns, pa.repeat(version, batch.num_rows)], schema=schema)
            for batch in lists
        )
        return pa.RecordBatchReader.from_batches(schema, stamped)

    return change


def _beats_popularity(evaluations: pa.Table, note: str) -> dg.AssetCheckResult:
    """Whether what was learned is worth having: unlearned and unmeasured lists do not claim to be."""
    rows = [row for row in evaluations.to_pylist() if row["metric"].startswith("recall") and row["value"] is not None]
    words = note
    if not rows:
        words = f"{note} The month before as_of is too thin to measure the quality of recommendations.".strip()
    behind = [row for row in rows if row["value"] <= (row["baseline_value"] or 0)]
    if behind:
        names = ", ".join(f"{row['model']} {row['metric']}" for row in behind)
        words = f"{note} On the held-out month these found no more than popular products do: {names}.".strip()
    return dg.AssetCheckResult(
        check_name="beats_popularity",
        passed=not words,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"note": words} if words else {},
    )

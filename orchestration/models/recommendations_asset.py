"""The recommendations: trained on purchases and views, evaluated on the month before, a list of each kind for all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import dagster as dg
import pyarrow as pa

from ml import interactions, plots, ranking_evaluation, recommend, recommend_fit, store
from ml.recommend import Recommender
from orchestration.model_results import figures, keep, picture, verdict
from orchestration.models import election, results
from orchestration.settings import Settings
from orchestration.training import ACTS, ACTS_SUMMARY, PRODUCTS, last_month, recommender_metadata
from orchestration.warehouse import Change, Warehouse


def results_of(warehouse: Warehouse, settings: Settings, as_of: datetime) -> Iterator[dg.MaterializeResult]:
    """What a person buys again, and what they might try."""
    products = warehouse.table(PRODUCTS)
    with warehouse.read(ACTS) as batches:
        acts = interactions.read(batches)
    cutoff, until = last_month(as_of)
    looks = recommend_fit.Looks()
    earlier = recommend_fit.fit(acts, products, as_of=cutoff, looks=looks)
    model = recommend_fit.fit(acts, products, as_of=as_of, looks=looks)
    metadata = recommender_metadata(model, warehouse.table(ACTS_SUMMARY), products, as_of)
    evaluations = ranking_evaluation.evaluate_recommendations(
        earlier, acts, products, until=until, version=metadata.version
    )
    elected = election.elect(
        settings,
        model,
        replace(metadata, metrics=store.measured(evaluations.to_pylist())),
        compare=lambda champion: ranking_evaluation.compare(earlier, champion, acts, until=until),
    )
    model, version = elected.model, elected.version
    if not elected.is_challenger:
        evaluations = ranking_evaluation.evaluate_recommendations(
            replace(model, moment=earlier.moment), acts, products, until=until, version=version
        )
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
            "election": elected.sentence,
            "quality": picture(plot),
            **figures(evaluations),
        },
        check_results=[
            verdict("beats_popularity", _doubts(evaluations, model.note)),
            results.election_result(elected),
        ],
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


def _doubts(evaluations: pa.Table, note: str) -> str:
    """Why the lists are not to be leaned on, in words, or nothing."""
    found = [row for row in evaluations.to_pylist() if row["metric"].startswith("recall") and row["value"] is not None]
    if not found:
        return f"{note} The month before as_of is too thin to measure the quality of recommendations.".strip()
    worse = [row for row in found if row["value"] <= (row["baseline_value"] or 0)]
    if not worse:
        return note
    figures_of = ", ".join(
        f"{row['model']} {row['metric']} {row['value']:.3f} against {row['baseline_value']:.3f}" for row in worse
    )
    return (
        f"{note} On the held-out month the lists find no more than the most popular products do ({figures_of}); "
        "do not mail them until more months are landed."
    ).strip()

"""The churn model: trained on what dbt built, evaluated on time it had not seen, scoring everybody."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from ml import churn, evaluation, plots, store
from orchestration.model_results import figures, keep, picture, stamped, verdict
from orchestration.models import election, health, results, snapshots, tables
from orchestration.settings import Settings
from orchestration.training import (
    CHURN_EXAMPLES,
    CHURN_PEOPLE,
    calibration_limit,
    churn_definition,
    churn_metadata,
    risk_bands,
)
from orchestration.warehouse import Warehouse


def results_of(warehouse: Warehouse, settings: Settings, as_of: datetime) -> Iterator[dg.MaterializeResult]:
    """Who will buy nothing in the next days."""
    definition, horizon_days = churn_definition()
    measured = warehouse.table(CHURN_EXAMPLES)
    model = churn.fit(measured, horizon_days=horizon_days)
    metadata = churn_metadata(model, measured, as_of)
    evaluations = evaluation.evaluate_churn(model, measured, version=metadata.version)
    test = measured.filter(pc.equal(measured["split"], "test"))
    elected = election.elect(
        settings,
        model,
        replace(metadata, metrics=store.measured(evaluations.to_pylist())),
        compare=lambda champion: evaluation.compare_churn(model, champion, test),
        question=("definition", "horizon_days"),
        decayed=lambda version: health.decayed(warehouse, "churn", version),
    )
    model, version = elected.model, elected.version
    if not elected.is_challenger:
        evaluations = evaluation.evaluate_churn(model, measured, version=version)

    medium, high = risk_bands()
    scored = churn.predict(model, warehouse.table(CHURN_PEOPLE), definition=definition)
    predictions = stamped(churn.with_risk_bands(scored, medium_from=medium, high_from=high), version, as_of)
    churned = test["is_churned"].to_numpy().astype(bool)
    plot = plots.reliability(churned, churn.predict_by(model, model.method, test))
    rows = warehouse.replace("ml.churn_predictions", predictions)
    warehouse.replace("ml.churn_evaluations", evaluations)
    train = measured.filter(pc.equal(measured["split"], "train"))
    trained_on = warehouse.replace("ml.churn_training_scores", _training_scores(model, train))
    keep(plot, settings.models / "churn")
    too_few = _too_few(model, int(churned.sum()), len(churned))
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_predictions"],
        metadata={
            "dagster/row_count": rows,
            "note": model.note,
            "version": version,
            "election": elected.sentence,
            "calibration": picture(plot),
            **figures(evaluations),
        },
        check_results=[
            verdict("beats_recency", too_few or _worse_than_recency(_figure(evaluations, "average_precision"))),
            verdict("is_calibrated", too_few or _badly_calibrated(_figure(evaluations, "expected_calibration_error"))),
            results.election_result(elected),
        ],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )
    yield dg.MaterializeResult(asset_key=["ml", "churn_training_scores"], metadata={"dagster/row_count": trained_on})
    # A look at the past leaves nothing behind.
    kept = snapshots.keep(warehouse) if settings.known_at is None else 0
    yield dg.MaterializeResult(asset_key=["raw", "churn_scores"], metadata={"dagster/row_count": kept})
    stored = warehouse.replace("ml.model_figures", tables.figures(settings.models))
    yield dg.MaterializeResult(asset_key=["ml", "model_figures"], metadata={"dagster/row_count": stored})


def _training_scores(model: churn.ChurnModel, train: pa.Table) -> pa.Table:
    probability = pa.array(churn.predict_by(model, model.method, train), pa.float64())
    return train.select(["person_id", "cutoff"]).append_column("churn_probability", probability)


def _figure(evaluations: pa.Table, metric: str) -> dict[str, Any]:
    """The figure of the model in use."""
    return next(row for row in evaluations.to_pylist() if (row["model"], row["metric"]) == ("churn", metric))


def _too_few(model: churn.ChurnModel, events: int, rows: int) -> str:
    """Why nothing can be claimed, in words, or nothing."""
    if model.is_fallback:
        return f"Churn: {model.note}."
    if min(events, rows - events) < evaluation.MIN_OUTCOMES:
        return (
            f"Churn: of {rows} people in the held-out month {events} churned and {rows - events} did not; fewer than "
            f"{evaluation.MIN_OUTCOMES} of either measure nothing. Land more months, or lower the var "
            "churn_population_days."
        )
    return ""


def _worse_than_recency(figure: dict[str, Any]) -> str:
    if figure["value"] > figure["baseline_value"]:
        return ""
    return (
        f"Churn: on the held-out month the model ranks no better than recency (average precision {figure['value']:.3f} "
        f"against {figure['baseline_value']:.3f}); do not lean on its risk bands until more months are landed."
    )


def _badly_calibrated(figure: dict[str, Any]) -> str:
    limit = calibration_limit()
    # Few people are never calibrated to the digit: what resampling alone explains is no fault.
    if figure["value"] <= limit or (figure["value_low"] or 0.0) <= limit:
        return ""
    return (
        f"Churn: on the held-out month forecast and outcome are {figure['value']:.3f} apart, more than "
        f"calibration_error_limit ({limit}): compare probabilities with each other, and do not read them as shares."
    )

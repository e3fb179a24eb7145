"""The churn model: trained on what dbt built, evaluated on time it had not seen, scoring everybody."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from ml import churn, evaluation, plots, store
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import figures, keep, picture, specs
from orchestration.training import (
    CHURN_EXAMPLES,
    CHURN_PEOPLE,
    calibration_limit,
    churn_definition,
    churn_metadata,
    risk_bands,
)

# With fewer held-out people of either outcome a ranking says nothing.
MIN_TEST_OUTCOMES = 10


@dg.multi_asset(
    specs=specs(
        "churn",
        "churn_predictions",
        "churn_evaluations",
        [["ml", "churn_examples"]],
        "One row per person who ever bought, with the probability that they buy nothing in the horizon, and why.",
    ),
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
    ],
    pool=WAREHOUSE_POOL,
)
def churn_model(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """Who will buy nothing in the next days."""
    warehouse, settings, as_of = home.warehouse(), home.settings(), home.instant(context)
    definition, horizon_days = churn_definition()
    measured = warehouse.table(CHURN_EXAMPLES)
    model = churn.fit(measured, horizon_days=horizon_days)
    metadata = churn_metadata(model, measured, as_of)
    evaluations = evaluation.evaluate_churn(model, measured, version=metadata.version)
    version = store.save(model, metadata, settings.models)
    store.promote(settings.models, "churn", version)

    medium, high = risk_bands()
    scored = churn.predict(model, warehouse.table(CHURN_PEOPLE), definition=definition)
    predictions = _stamped(churn.with_risk_bands(scored, medium_from=medium, high_from=high), version, as_of)
    test = measured.filter(pc.equal(measured["split"], "test"))
    churned = test["is_churned"].to_numpy().astype(bool)
    plot = plots.reliability(churned, churn.predict_by(model, model.method, test))
    rows = warehouse.replace("ml.churn_predictions", predictions)
    warehouse.replace("ml.churn_evaluations", evaluations)
    keep(plot, settings.models / "churn")
    too_few = _too_few(model, int(churned.sum()), len(churned))
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_predictions"],
        metadata={
            "dagster/row_count": rows,
            "note": model.note,
            "version": version,
            "calibration": picture(plot),
            **figures(evaluations),
        },
        check_results=[
            _result("beats_recency", too_few or _worse_than_recency(_figure(evaluations, "average_precision"))),
            _result("is_calibrated", too_few or _badly_calibrated(_figure(evaluations, "expected_calibration_error"))),
        ],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )


def _stamped(predictions: pa.Table, version: str, as_of: datetime) -> pa.Table:
    scored_at = pa.scalar(as_of.replace(tzinfo=None), pa.timestamp("us"))
    rows = predictions.num_rows
    return (
        predictions.select(
            ["person_id", "churn_probability", "risk_band", "method", "reason_1", "reason_2", "reason_3"]
        )
        .append_column("model_version", pa.repeat(version, rows))
        .append_column("scored_at", pa.repeat(scored_at, rows))
    )


def _figure(evaluations: pa.Table, metric: str) -> dict[str, Any]:
    """The figure of the model in use."""
    return next(row for row in evaluations.to_pylist() if (row["model"], row["metric"]) == ("churn", metric))


def _too_few(model: churn.ChurnModel, events: int, rows: int) -> str:
    """Why nothing can be claimed, in words, or nothing."""
    if model.is_fallback:
        return f"Churn: {model.note}."
    if min(events, rows - events) < MIN_TEST_OUTCOMES:
        return (
            f"Churn: of {rows} people in the held-out month {events} churned and {rows - events} did not; fewer than "
            f"{MIN_TEST_OUTCOMES} of either measure nothing. Land more months, or lower the var churn_population_days."
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


def _result(name: str, words: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=not words,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"note": words} if words else {},
    )

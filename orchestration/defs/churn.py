"""The churn model: trained on what dbt built, evaluated on time it had not seen, scoring everybody."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from ml import churn, evaluation, plots, store
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import figures, keep, picture, specs
from orchestration.training import CHURN_EXAMPLES, churn_metadata, risk_bands


@dg.multi_asset(
    specs=specs(
        "churn",
        "churn_predictions",
        "churn_evaluations",
        [["ml", "churn_examples"]],
        "One row per person who ever bought, with the probability that they buy nothing in the horizon.",
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "beats_recency",
            asset=["ml", "churn_predictions"],
            description="On the held-out month the model ranks better than the days since the last order.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def churn_model(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """Who will buy nothing in the next days."""
    warehouse, settings, as_of = home.warehouse(), home.settings(), home.instant(context)
    examples = warehouse.table(CHURN_EXAMPLES)
    measured = examples.filter(pc.and_(examples["is_in_population"], pc.not_equal(examples["split"], "score")))
    model = churn.fit(measured)
    metadata = churn_metadata(model, measured, as_of)
    evaluations = evaluation.evaluate_churn(model, measured, version=metadata.version)
    version = store.save(model, metadata, settings.models)
    store.promote(settings.models, "churn", version)

    people = examples.filter(pc.equal(examples["split"], "score"))
    medium, high = risk_bands()
    predictions = _stamped(
        churn.with_risk_bands(churn.predict(model, people), medium_from=medium, high_from=high),
        version,
        as_of,
    )
    test = measured.filter(pc.equal(measured["split"], "test"))
    plot = plots.reliability(
        test["is_churned"].to_numpy().astype(bool),
        churn.predict(model, test)["churn_probability"].to_numpy(),
    )
    rows = warehouse.replace("ml.churn_predictions", predictions)
    warehouse.replace("ml.churn_evaluations", evaluations)
    keep(plot, settings.models / "churn")
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_predictions"],
        metadata={
            "dagster/row_count": rows,
            "note": model.note,
            "version": version,
            "calibration": picture(plot),
            **figures(evaluations),
        },
        check_results=[_beats_baseline("beats_recency", evaluations, "roc_auc", model.is_fallback, model.note)],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )


def _stamped(predictions: pa.Table, version: str, as_of: datetime) -> pa.Table:
    scored_at = pa.scalar(as_of.replace(tzinfo=None), pa.timestamp("us"))
    return predictions.append_column("model_version", pa.repeat(version, predictions.num_rows)).append_column(
        "scored_at", pa.repeat(scored_at, predictions.num_rows)
    )


def _beats_baseline(name: str, evaluations: pa.Table, metric: str, is_fallback: bool, note: str) -> dg.AssetCheckResult:
    row = next(row for row in evaluations.to_pylist() if row["metric"] == metric)
    is_measured = row["value"] is not None and not is_fallback
    words = "" if is_measured else f"Churn: {note}."
    if is_measured and row["value"] <= row["baseline_value"]:
        words = (
            f"Churn: on the held-out month the model ranks no better than recency ({row['value']:.3f} against "
            f"{row['baseline_value']:.3f}); do not lean on its risk bands until more months are landed."
        )
    return dg.AssetCheckResult(
        check_name=name,
        passed=not words,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"note": words} if words else {},
    )

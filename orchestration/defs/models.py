"""The models: trained on what dbt built, evaluated on time they had not seen, scoring everybody."""

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from ml import churn, evaluation, plots, recommend, store
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.training import (
    CHURN_EXAMPLES,
    PEOPLE,
    PRODUCTS,
    PURCHASES,
    churn_metadata,
    last_month,
    recommender_metadata,
    risk_bands,
)


def _specs(model: str, table: str, evaluations: str, deps: list[list[str]], words: str) -> list[dg.AssetSpec]:
    shared: dict[str, Any] = {
        "group_name": "models",
        "kinds": {"python", "scikitlearn" if model == "churn" else "scipy"},
    }
    return [
        dg.AssetSpec(["ml", table], deps=deps, description=words, **shared),
        dg.AssetSpec(["ml", evaluations], deps=deps, description=f"How good they are: {model}.", **shared),
    ]


@dg.multi_asset(
    specs=_specs(
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
    _keep(plot, settings.models / "churn")
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_predictions"],
        metadata={
            "dagster/row_count": rows,
            "note": model.note,
            "version": version,
            "calibration": _picture(plot),
            **_figures(evaluations),
        },
        check_results=[_beats_baseline("beats_recency", evaluations, "roc_auc", model.is_fallback, model.note)],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "churn_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )


@dg.multi_asset(
    specs=_specs(
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
    evaluations = evaluation.evaluate_recommendations(
        purchases, products, cutoff=cutoff, until=until, version=metadata.version
    )
    model = recommend.fit(purchases, as_of=as_of)
    lists = recommend.recommend(model, products, people=people)
    stamped = lists.append_column("model_version", pa.repeat(metadata.version, lists.num_rows))
    rows = warehouse.replace("ml.recommendations", stamped)
    warehouse.replace("ml.recommendation_evaluations", evaluations)
    plot = plots.against_baseline(evaluations)
    _keep(plot, settings.models / "recommendations")
    checks = [row for row in evaluations.to_pylist() if row["metric"].startswith("recall") and row["value"] is not None]
    is_better = all(row["value"] > (row["baseline_value"] or 0) for row in checks)
    yield dg.MaterializeResult(
        asset_key=["ml", "recommendations"],
        metadata={
            "dagster/row_count": rows,
            "version": metadata.version,
            "quality": _picture(plot),
            **_figures(evaluations),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="beats_popularity",
                passed=bool(checks) and is_better,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={}
                if checks
                else {"note": "Recommendations: the month before as_of is too thin to measure their quality."},
            )
        ],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "recommendation_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
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


def _figures(evaluations: pa.Table) -> dict[str, Any]:
    return {
        f"{row['model']} {row['metric']}": dg.MetadataValue.text(
            f"{row['value']:.4f} (baseline {row['baseline_value']:.4f})"
        )
        for row in evaluations.to_pylist()
        if row["value"] is not None and row["baseline_value"] is not None
    }


def _picture(png: bytes) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![quality](data:image/png;base64,{base64.b64encode(png).decode()})")


def _keep(png: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.png").write_bytes(png)

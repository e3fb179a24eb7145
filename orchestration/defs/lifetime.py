"""Next orders and their value: fitted on everyone's orders, checked on the days before as_of."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from ml import lifetime, plots, store
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.model_results import figures, keep, picture, specs
from orchestration.training import LIFETIME_SUMMARIES, lifetime_days, lifetime_metadata


@dg.multi_asset(
    specs=specs(
        "lifetime",
        "lifetime_values",
        "lifetime_evaluations",
        [["ml", "lifetime_summaries"]],
        "One row per person who ever bought: when they order next, how often and for how much within the horizon.",
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "beats_past_rate",
            asset=["ml", "lifetime_values"],
            description="On the held-out days the expected orders are nearer than everyone's own past rate.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def lifetime_model(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """When people order next, and what they will be worth."""
    warehouse, settings, as_of = home.warehouse(), home.settings(), home.instant(context)
    horizon_days, holdout_days = lifetime_days()
    summaries = warehouse.table(LIFETIME_SUMMARIES)
    known = summaries.filter(pc.equal(summaries["split"], "score"))
    held_out = summaries.filter(pc.equal(summaries["split"], "test"))
    model = lifetime.fit(known)
    metadata = lifetime_metadata(model, summaries, as_of)
    # Judged is the same method on what was known when the held-out days began.
    earlier = lifetime.fit(held_out)
    evaluations = lifetime.evaluate(earlier, held_out, holdout_days=holdout_days, version=metadata.version)
    version = store.save(model, metadata, settings.models)
    store.promote(settings.models, "lifetime", version)

    values = lifetime.predict(model, known, at=as_of, horizon_days=horizon_days)
    scored_at = pa.scalar(as_of.replace(tzinfo=None), pa.timestamp("us"))
    stamped = values.append_column("model_version", pa.repeat(version, values.num_rows)).append_column(
        "scored_at", pa.repeat(scored_at, values.num_rows)
    )
    rows = warehouse.replace("ml.lifetime_values", stamped)
    warehouse.replace("ml.lifetime_evaluations", evaluations)
    plot = plots.against_baseline(evaluations)
    keep(plot, settings.models / "lifetime")
    words = _doubts(model, earlier, evaluations)
    yield dg.MaterializeResult(
        asset_key=["ml", "lifetime_values"],
        metadata={
            "dagster/row_count": rows,
            "note": model.note,
            "version": version,
            "quality": picture(plot),
            **figures(evaluations),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="beats_past_rate",
                passed=not words,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"note": words} if words else {},
            )
        ],
    )
    yield dg.MaterializeResult(
        asset_key=["ml", "lifetime_evaluations"], metadata={"dagster/row_count": evaluations.num_rows}
    )


def _doubts(model: lifetime.LifetimeModel, earlier: lifetime.LifetimeModel, evaluations: pa.Table) -> str:
    """Why the values are not to be leaned on, in words, or nothing."""
    if model.is_fallback:
        return f"Lifetime: {model.note}."
    if earlier.is_fallback:
        return f"Lifetime: not measured, as of the beginning of the held-out days there were {earlier.note}."
    row = next(row for row in evaluations.to_pylist() if row["metric"] == "orders_mae")
    if row["value"] < row["baseline_value"]:
        return ""
    return (
        f"Lifetime: on the held-out days the expected orders are no nearer than past rates ({row['value']:.2f} orders "
        f"off per person against {row['baseline_value']:.2f}); sort by them, and do not budget with them."
    )

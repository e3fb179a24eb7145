"""Next orders and their value: fitted on everyone's orders, checked on the days before as_of."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from ml import lifetime, plots, store
from orchestration.model_results import figures, keep, picture, stamped, verdict
from orchestration.models import election, results
from orchestration.settings import Settings
from orchestration.training import LIFETIME_SUMMARIES, lifetime_days, lifetime_metadata
from orchestration.warehouse import Warehouse


def results_of(warehouse: Warehouse, settings: Settings, as_of: datetime) -> Iterator[dg.MaterializeResult]:
    """When people order next, and what they will be worth."""
    horizon_days, holdout_days = lifetime_days()
    summaries = warehouse.table(LIFETIME_SUMMARIES)
    known = summaries.filter(pc.equal(summaries["split"], "score"))
    held_out = summaries.filter(pc.equal(summaries["split"], "test"))
    model = lifetime.fit(known)
    metadata = lifetime_metadata(model, summaries, as_of)
    # Judged is the same method on what was known when the held-out days began.
    earlier = lifetime.fit(held_out)
    evaluations = lifetime.evaluate(earlier, held_out, holdout_days=holdout_days, version=metadata.version)
    elected = election.elect(
        settings,
        model,
        replace(metadata, metrics=store.measured(evaluations.to_pylist())),
        # What the champion is compared with had seen nothing of the held-out days.
        compare=lambda champion: lifetime.compare(earlier, champion, held_out, holdout_days=holdout_days),
    )
    model, version = elected.model, elected.version

    values = lifetime.predict(model, known, at=as_of, horizon_days=horizon_days)
    rows = warehouse.replace("ml.lifetime_values", stamped(values, version, as_of))
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
            "election": elected.sentence,
            "quality": picture(plot),
            **figures(evaluations),
        },
        check_results=[verdict("beats_past_rate", words), results.election_result(elected)],
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

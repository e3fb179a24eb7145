"""How the churn model would have done at a past instant, had it been trained on what lay before it."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ml import churn, evaluation

_METRICS = ("roc_auc", "average_precision", "brier", "expected_calibration_error")
SCHEMA = pa.schema(
    [
        ("cutoff", pa.timestamp("us")),
        ("method", pa.string()),
        ("training_rows_count", pa.int64()),
        ("rows_count", pa.int64()),
        ("churned_share", pa.float64()),
        *((name, pa.float64()) for name in _METRICS),
        *((f"baseline_{name}", pa.float64()) for name in _METRICS),
        ("note", pa.string()),
    ]
)


def backtest_churn(examples: pa.Table, *, cutoff: datetime, horizon_days: int, random_state: int = 0) -> pa.Table:
    """One row of SCHEMA: fitted on the rows with split 'train', measured on 'test' next to recency.

    A figure that cannot be measured is null. A ValueError says when a training outcome reaches past the cutoff.
    """
    train = examples.filter(pc.equal(examples["split"], "train"))
    latest = pc.max(train["cutoff"]).as_py()
    if latest is not None and (cutoff.replace(tzinfo=None) - latest).days < horizon_days:
        raise ValueError(f"The examples of {latest:%Y-%m-%d} end after {cutoff:%Y-%m-%d}: they cannot train for it.")
    model = churn.fit(examples, random_state=random_state, horizon_days=horizon_days)
    held_out = examples.filter(pc.equal(examples["split"], "test"))
    churned = held_out["is_churned"].to_numpy().astype(bool)
    found = evaluation.binary_scores(churned, churn.predict_by(model, model.method, held_out))
    baseline = evaluation.binary_scores(churned, churn.predict_by_recency(model, held_out))
    row = {
        "cutoff": cutoff.replace(tzinfo=None),
        "method": model.method,
        "training_rows_count": model.training_rows_count,
        "rows_count": len(churned),
        "churned_share": float(churned.mean()) if len(churned) else None,
        **found,
        **{f"baseline_{name}": value for name, value in baseline.items()},
        "note": model.note,
    }
    return pa.Table.from_pylist([row], schema=SCHEMA)

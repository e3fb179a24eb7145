"""How good the models are on held-out time, next to a baseline that anyone could write.

Everything ends in one table, SCHEMA: the same columns for every model, so that one report shows them all.
A metric that cannot be computed (no held-out rows, or one class) is null, not 0.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ml import churn

SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("version", pa.string()),
        ("metric", pa.string()),
        ("split", pa.string()),
        ("value", pa.float64()),
        ("baseline_value", pa.float64()),
    ]
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Scores = dict[str, float | None]


def evaluate_churn(model: churn.ChurnModel, examples: pa.Table, *, version: str, split: str = "test") -> pa.Table:
    """ROC AUC, average precision, Brier score and expected calibration error; the baseline is recency."""
    held_out = examples.filter(pc.equal(examples["split"], split))
    churned = held_out["is_churned"].to_numpy().astype(bool)
    value = binary_scores(churned, churn.predict(model, held_out)["churn_probability"].to_numpy())
    baseline = binary_scores(churned, churn.predict_by_recency(model, held_out))
    return table("churn", version, split, value, baseline)


def binary_scores(happened: Bools, probability: Floats) -> Scores:
    """The four metrics of a probability; the two that need both outcomes are None without them."""
    if not len(happened):
        return dict.fromkeys(("roc_auc", "average_precision", "brier", "expected_calibration_error"))
    has_both = 0 < happened.sum() < len(happened)
    return {
        "roc_auc": float(roc_auc_score(happened, probability)) if has_both else None,
        "average_precision": float(average_precision_score(happened, probability)) if has_both else None,
        "brier": float(brier_score_loss(happened, probability)),
        "expected_calibration_error": expected_calibration_error(happened, probability),
    }


def expected_calibration_error(happened: Bools, probability: Floats, *, bins: int = 10) -> float:
    """The mean distance between forecast and outcome over `bins` groups of equal size, by forecast."""
    order = np.argsort(probability, kind="stable")
    distance = (probability - happened)[order]
    groups = np.array_split(distance, min(bins, len(distance)))
    return float(sum(abs(group.sum()) for group in groups) / len(distance))


def table(model: str, version: str, split: str, value: Scores, baseline: Scores) -> pa.Table:
    """One row of SCHEMA for each metric."""
    rows = [
        {
            "model": model,
            "version": version,
            "metric": metric,
            "split": split,
            "value": value[metric],
            "baseline_value": baseline[metric],
        }
        for metric in value
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)

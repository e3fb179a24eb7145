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

from ml import bootstrap, churn, contest

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
# The middle 95 % of the value over resamples of the held-out rows.
WITH_INTERVALS = SCHEMA.append(pa.field("value_low", pa.float64())).append(pa.field("value_high", pa.float64()))

# With fewer held-out people of either outcome a ranking says nothing.
MIN_OUTCOMES = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Scores = dict[str, float | None]


def evaluate_churn(model: churn.ChurnModel, examples: pa.Table, *, version: str, split: str = "test") -> pa.Table:
    """ROC AUC, average precision, Brier score and expected calibration error; the baseline is recency.

    Rows of WITH_INTERVALS: `churn` is the model in use, `churn_boosting` and so on are all that competed. Where they
    were compared before, on the last training cutoffs, that average precision is there as split 'validation'.
    """
    held_out = examples.filter(pc.equal(examples["split"], split))
    churned = held_out["is_churned"].to_numpy().astype(bool)
    baseline = binary_scores(churned, churn.predict_by_recency(model, held_out))
    tables = [_measured("churn", version, split, churned, churn.predict_by(model, model.method, held_out), baseline)]
    for name in model.candidates:
        forecast = churn.predict_by(model, name, held_out)
        tables.append(_measured(f"churn_{name}", version, split, churned, forecast, baseline))
    by_recency = model.chosen_by.get("recency")
    for name, value in model.chosen_by.items():
        compared = table(
            f"churn_{name}", version, "validation", {"average_precision": value}, {"average_precision": by_recency}
        )
        tables.append(_with_intervals(compared, {}))
    return pa.concat_tables(tables)


def compare_churn(challenger: churn.ChurnModel, champion: churn.ChurnModel, held_out: pa.Table) -> contest.Comparison:
    """How much better the challenger ranks the held-out people, by average precision."""
    churned = held_out["is_churned"].to_numpy().astype(bool)
    ours = churn.predict_by(challenger, challenger.method, held_out)
    theirs = churn.predict_by(champion, champion.method, held_out)

    def measure(places: NDArray[np.int64]) -> tuple[float | None, float | None]:
        happened = churned[places]
        if not MIN_OUTCOMES <= happened.sum() <= len(happened) - MIN_OUTCOMES:
            return None, None
        return (
            float(average_precision_score(happened, ours[places])),
            float(average_precision_score(happened, theirs[places])),
        )

    return contest.compare("average precision", len(churned), measure)


def _measured(model: str, version: str, split: str, churned: Bools, forecast: Floats, baseline: Scores) -> pa.Table:
    value = binary_scores(churned, forecast)
    around = bootstrap.intervals(len(churned), lambda places: resampled_scores(churned[places], forecast[places]))
    return _with_intervals(table(model, version, split, value, baseline), around)


def _with_intervals(rows: pa.Table, around: bootstrap.Intervals) -> pa.Table:
    bounds = [around.get(metric, (None, None)) for metric in rows["metric"].to_pylist()]
    return rows.append_column("value_low", pa.array([low for low, _ in bounds], pa.float64())).append_column(
        "value_high", pa.array([high for _, high in bounds], pa.float64())
    )


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


def resampled_scores(happened: Bools, probability: Floats) -> Scores:
    """The same as `binary_scores`, by one sorting, for the hundreds of resamples of an interval.

    Of each threshold, from the highest on, the true and false positives give both curves; the area below the first is
    a sum of trapezoids, below the second of rectangles. Source: Fawcett, An introduction to ROC analysis, 2006.
    """
    positives = int(happened.sum())
    negatives = len(happened) - positives
    if not positives or not negatives:
        return binary_scores(happened, probability)
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    hits = np.cumsum(happened[order])[ends]
    gained = np.diff(hits, prepend=0)
    misses = ends + 1 - hits
    return {
        "roc_auc": float(np.sum(np.diff(misses, prepend=0) * (hits - gained / 2)) / (positives * negatives)),
        "average_precision": float(np.sum(gained * hits / (ends + 1)) / positives),
        "brier": float(np.mean((probability - happened) ** 2)),
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

"""The chance that a person buys nothing (or, by the other definition, does nothing) in the days after a cutoff."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from ml import churn_candidates
from ml.churn_candidates import Candidate
from ml.churn_features import FAMILIES, FEATURES, require
from ml.churn_reasons import reasons

__all__ = ["FEATURES", "ChurnModel", "fit", "predict", "predict_by", "predict_by_recency", "with_risk_bands"]

# Below these, recency (or the base rate) is all that is claimed.
MIN_TRAINING_ROWS = 200
MIN_OUTCOMES = 20
MIN_BASELINE_ROWS = 20
# Where there is little to learn from, the base rate leans on ten imagined people of whom two churn.
PRIOR_ROWS = 10
PRIOR_RATE = 0.2

WORDS = {"boosting": "gradient boosting", "logistic": "logistic regression", "bg_nbd": "BG/NBD", "recency": "recency"}
KEYS = ("person_id", "cutoff", "split", "is_churned")
_BLOCK_ROWS = 100_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChurnModel:
    """The fitted candidates, which of them is in use, and in words what it stands on.

    `method` is a key of `candidates`, or 'base_rate'. `chosen_by` holds each one's average precision on the last third
    of the training cutoffs, fitted on what was known before them; it is empty where nothing was compared.
    """

    features: tuple[str, ...]
    candidates: dict[str, Candidate]
    method: str
    base_rate: float
    training_rows_count: int
    note: str
    chosen_by: dict[str, float] = field(default_factory=dict)

    @property
    def is_fallback(self) -> bool:
        """Whether the data was too thin for more than recency."""
        return self.method == "base_rate" or len(self.candidates) == 1


def fit(examples: pa.Table, *, random_state: int = 0, horizon_days: int = 30) -> ChurnModel:
    """Fit on the rows with split 'train'; thin data gives a simpler model that says so, never an error.

    `examples` has KEYS and FEATURES. The order of the rows does not matter. The candidate with the best average
    precision on the last third of the training cutoffs is used, refitted on all of them; the test split decides
    nothing. A FeatureError names a missing column.
    """
    require(examples, (*KEYS, *FEATURES))
    train = examples.filter(pc.and_(pc.equal(examples["split"], "train"), pc.is_valid(examples["is_churned"])))
    train = train.sort_by([("cutoff", "ascending"), ("person_id", "ascending")])
    churned = _outcomes(train)
    rows, events = len(churned), int(churned.sum())
    base_rate = (events + PRIOR_RATE * PRIOR_ROWS) / (rows + PRIOR_ROWS)

    too_thin = _too_thin(rows, events)
    if too_thin:
        has_recency = 0 < events < rows >= MIN_BASELINE_ROWS
        fallback: dict[str, Candidate] = {}
        if has_recency:
            fallback["recency"] = churn_candidates.fit_recency(train, churned)
        method = "recency" if has_recency else "base_rate"
        note = f"{too_thin}: {'recency alone' if has_recency else 'base rate'} instead of gradient boosting"
        return ChurnModel(FEATURES, fallback, method, base_rate, rows, note)

    chosen_by = _compared(train, horizon_days, random_state)
    candidates = _candidates(train, random_state, horizon_days)
    # Among equals, and where nothing could be compared, the first: boosting.
    method = max(candidates, key=lambda name: chosen_by.get(name, -1.0))
    note = f"{WORDS[method]} on {rows} examples"
    if chosen_by:
        others = ", ".join(f"{WORDS[name]} {value:.3f}" for name, value in chosen_by.items())
        note += f" (average precision on the last training cutoffs: {others})"
    return ChurnModel(FEATURES, candidates, method, base_rate, rows, note, chosen_by)


def predict(model: ChurnModel, features: pa.Table, *, definition: str = "purchase") -> pa.Table:
    """One row for each of `features`, in its order.

    The columns: person_id, churn_probability (0 to 1), method, and reason_1 to reason_3, which point where the score
    points from the mean person's: fewer where fewer do, none where only the base rate speaks. `definition` ('purchase',
    'activity') says what the reasons call an act.
    """
    require(features, ("person_id", *model.features))
    blocks = [
        _predicted(model, features.slice(start, _BLOCK_ROWS), definition)
        for start in range(0, max(features.num_rows, 1), _BLOCK_ROWS)
    ]
    return pa.concat_tables(blocks).combine_chunks()


def predict_by(model: ChurnModel, method: str, features: pa.Table) -> Floats:
    """What one of the candidates forecasts; shape (rows,)."""
    if method not in model.candidates or not features.num_rows:
        return np.full(features.num_rows, model.base_rate)
    return churn_candidates.probability(model.candidates[method], features)


def predict_by_recency(model: ChurnModel, features: pa.Table) -> Floats:
    """The baseline: probabilities from days since the last act, or the base rate; shape (rows,)."""
    return predict_by(model, "recency", features)


def with_risk_bands(predictions: pa.Table, *, medium_from: float = 0.2, high_from: float = 0.5) -> pa.Table:
    """The predictions with a risk_band: 'low' below `medium_from`, 'high' at or above `high_from`."""
    if not 0 <= medium_from <= high_from <= 1:
        raise ValueError(f"Risk bands need 0 <= medium_from <= high_from <= 1, not {medium_from} and {high_from}.")
    probability = predictions["churn_probability"]
    band = pc.if_else(
        pc.greater_equal(probability, high_from),
        "high",
        pc.if_else(pc.greater_equal(probability, medium_from), "medium", "low"),
    )
    return predictions.append_column("risk_band", band)


def _predicted(model: ChurnModel, block: pa.Table, definition: str) -> pa.Table:
    candidate = model.candidates.get(model.method)
    if candidate is None or not block.num_rows:
        parts, probability = np.zeros((block.num_rows, len(FAMILIES))), np.full(block.num_rows, model.base_rate)
    else:
        parts = candidate.contributions(block)
        probability = churn_candidates.from_log_odds(candidate.base + parts.sum(axis=1))
    return pa.table(
        {
            "person_id": block["person_id"].cast(pa.string()),
            "churn_probability": pa.array(probability, pa.float64()),
            "method": pa.repeat(pa.scalar(model.method), block.num_rows),
            **reasons(block, parts, definition),
        }
    )


def _candidates(train: pa.Table, random_state: int, horizon_days: int) -> dict[str, Candidate]:
    churned = _outcomes(train)
    found: dict[str, Candidate] = {
        "boosting": churn_candidates.fit_boosting(train, churned, random_state),
        "logistic": churn_candidates.fit_logistic(train, churned),
    }
    purchases = churn_candidates.fit_purchases(train, churned, horizon_days)
    if purchases is not None:
        found["bg_nbd"] = purchases
    found["recency"] = churn_candidates.fit_recency(train, churned)
    return found


def _compared(train: pa.Table, horizon_days: int, random_state: int) -> dict[str, float]:
    """Average precision on the last third of the cutoffs, of candidates that saw only what had ended before them."""
    cutoffs = train["cutoff"].to_numpy().astype("datetime64[us]")
    distinct = np.unique(cutoffs)
    if len(distinct) < 3:
        return {}
    first_held_out = distinct[-(len(distinct) // 3)]
    before = train.filter(pa.array(cutoffs + np.timedelta64(horizon_days, "D") <= first_held_out))
    held_out = train.filter(pa.array(cutoffs >= first_held_out))
    churned = _outcomes(held_out)
    if _too_thin(before.num_rows, int(_outcomes(before).sum())) or not 0 < churned.sum() < len(churned):
        return {}
    return {
        name: float(average_precision_score(churned, churn_candidates.probability(candidate, held_out)))
        for name, candidate in _candidates(before, random_state, horizon_days).items()
    }


def _outcomes(table: pa.Table) -> NDArray[np.bool_]:
    return table["is_churned"].to_numpy().astype(bool)


def _too_thin(rows: int, events: int) -> str:
    """Why there is too little to learn from, in words, or nothing."""
    if rows == 0:
        return "no training examples"
    if not 0 < events < rows:
        return f"the {rows} training examples all ended alike"
    if rows < MIN_TRAINING_ROWS:
        return f"{rows} training examples, fewer than {MIN_TRAINING_ROWS}"
    if min(events, rows - events) < MIN_OUTCOMES:
        which = "churned" if events < rows - events else "stayed"
        return f"{min(events, rows - events)} of {rows} training examples {which}, fewer than {MIN_OUTCOMES}"
    return ""

"""The chance that a person buys nothing in the 30 days after a cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ml.errors import FeatureError

FEATURES = (
    "recency_days",
    "tenure_days",
    "orders_7d_count",
    "orders_14d_count",
    "orders_28d_count",
    "orders_56d_count",
    "orders_90d_count",
    "orders_180d_count",
    "orders_per_day",
    "trend_28d_count",
    "active_weeks_84d_count",
    "decayed_orders_count",
    "mean_gap_days",
    "sd_gap_days",
    "longest_gap_90d_days",
    "recency_gap_ratio",
    "quiet_share",
    "spent_28d_amount",
    "spent_90d_amount",
    "average_order_amount",
    "products_count",
    "departments_count",
    "discount_share",
)

MIN_TRAINING_ROWS = 200
MIN_BASELINE_ROWS = 20
# Where there is little to learn from, the base rate leans on ten imagined people of whom two churn.
PRIOR_ROWS = 10
PRIOR_RATE = 0.2

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChurnModel:
    """A fitted model, its recency baseline, and in words what it stands on."""

    features: tuple[str, ...]
    boosting: HistGradientBoostingClassifier | None
    recency: LogisticRegression | None
    base_rate: float
    training_rows_count: int
    note: str

    @property
    def is_fallback(self) -> bool:
        """Whether the data was too thin for gradient boosting."""
        return self.boosting is None


def fit(examples: pa.Table, *, random_state: int = 0) -> ChurnModel:
    """Fit on the rows with split 'train'; thin data gives a simpler model that says so, never an error.

    `examples` has person_id, cutoff, split, is_churned and FEATURES. The order of the rows does not matter.
    Boosted trees on the log loss, shallow and slow, need no second calibration: the expected calibration
    error on held-out months is 0.012 to 0.016 (NOTES.md). A FeatureError names a missing column.

    Source: Ke et al., LightGBM, NeurIPS 2017 (as scikit-learn's HistGradientBoostingClassifier).
    """
    _require(examples, ("person_id", "cutoff", "split", "is_churned", *FEATURES))
    train = examples.filter(pc.and_(pc.equal(examples["split"], "train"), pc.is_valid(examples["is_churned"])))
    train = train.sort_by([("cutoff", "ascending"), ("person_id", "ascending")])
    churned = train["is_churned"].to_numpy().astype(bool)
    rows, events = len(churned), int(churned.sum())
    base_rate = (events + PRIOR_RATE * PRIOR_ROWS) / (rows + PRIOR_ROWS)
    has_both = 0 < events < rows

    recency = None
    if has_both and rows >= MIN_BASELINE_ROWS:
        recency = LogisticRegression().fit(_log_recency(train), churned)
    if not has_both or rows < MIN_TRAINING_ROWS:
        return ChurnModel(FEATURES, None, recency, base_rate, rows, _thin_note(rows, has_both, recency))

    boosting = HistGradientBoostingClassifier(
        learning_rate=0.03,
        max_iter=200,
        max_leaf_nodes=6,
        max_features=0.3,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=random_state,
    )
    # Threads that wait for each other cost more than they bring on so few rows, above all on a busy machine.
    with threadpool_limits(1, user_api="openmp"):
        boosting.fit(_matrix(train, FEATURES), churned)
    return ChurnModel(FEATURES, boosting, recency, base_rate, rows, f"gradient boosting on {rows} examples")


def predict(model: ChurnModel, features: pa.Table) -> pa.Table:
    """The table person_id, churn_probability (0 to 1): one row for each of `features`, in its order."""
    _require(features, ("person_id", *model.features))
    if features.num_rows == 0 or model.boosting is None:
        probability = predict_by_recency(model, features)
    else:
        probability = model.boosting.predict_proba(_matrix(features, model.features))[:, 1]
    return pa.table(
        {
            "person_id": features["person_id"].cast(pa.string()),
            "churn_probability": pa.array(probability, pa.float64()),
        }
    )


def predict_by_recency(model: ChurnModel, features: pa.Table) -> Floats:
    """The baseline: probabilities from days since the last order, or the base rate; shape (rows,)."""
    if features.num_rows == 0 or model.recency is None:
        return np.full(features.num_rows, model.base_rate)
    return model.recency.predict_proba(_log_recency(features))[:, 1]


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


def _thin_note(rows: int, has_both: bool, recency: LogisticRegression | None) -> str:
    if rows == 0:
        why = "no training examples"
    elif not has_both:
        why = f"the {rows} training examples all ended alike"
    else:
        why = f"{rows} training examples, fewer than {MIN_TRAINING_ROWS}"
    return f"{why}: {'base rate' if recency is None else 'recency alone'} instead of gradient boosting"


def _require(table: pa.Table, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise FeatureError(f"The churn table lacks {', '.join(missing)}: build churn_features again.")


def _matrix(table: pa.Table, columns: tuple[str, ...]) -> Floats:
    """Nulls become NaN, which the trees treat as a value of their own; shape (rows, columns)."""
    return np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in columns])


def _log_recency(table: pa.Table) -> Floats:
    days = pc.fill_null(table["recency_days"].cast(pa.float64()), 0.0).to_numpy()
    return np.log1p(np.maximum(days, 0.0)).reshape(-1, 1)

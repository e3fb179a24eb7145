"""What the churn models look at, by family: a family is what a reason speaks of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.errors import FeatureError

Floats = NDArray[np.float64]

FAMILIES: dict[str, tuple[str, ...]] = {
    "silence": (
        "recency_days",
        "mean_gap_days",
        "sd_gap_days",
        "longest_gap_90d_days",
        "recent_gap_days",
        "recency_gap_ratio",
        "recency_recent_gap_ratio",
        "longer_gaps_share",
        "far_longer_gaps_share",
    ),
    "frequency": (
        "acts_7d_count",
        "acts_14d_count",
        "acts_28d_count",
        "acts_56d_count",
        "acts_90d_count",
        "acts_180d_count",
        "acts_count",
        "acts_per_day",
        "trend_28d_count",
        "active_weeks_84d_count",
        "decayed_acts_15d_count",
        "decayed_acts_30d_count",
        "decayed_acts_60d_count",
    ),
    "history": ("tenure_days", "quiet_share", "recent_quiet_share"),
    "spending": (
        "spent_28d_amount",
        "spent_90d_amount",
        "decayed_spent_amount",
        "average_order_amount",
        "last_order_amount",
    ),
    "range": ("products_count", "new_products_28d_count"),
    "mail": (
        "messages_90d_count",
        "opens_90d_count",
        "clicks_90d_count",
        "message_recency_days",
        "open_recency_days",
    ),
    "coupons": ("coupons_90d_count",),
    "visits": ("visit_days_7d_count", "visit_days_28d_count", "visit_days_90d_count", "visit_recency_days"),
}

FEATURES: tuple[str, ...] = tuple(name for names in FAMILIES.values() for name in names)

# More of these can only raise the risk, of those only lower it: what the data says otherwise is noise.
RISING = ("recency_days", "recency_gap_ratio", "recency_recent_gap_ratio")
FALLING = tuple(name for name in FAMILIES["frequency"] if name != "trend_28d_count")


def require(table: pa.Table, columns: tuple[str, ...]) -> None:
    """A FeatureError names what `table` lacks."""
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise FeatureError(f"The churn table lacks {', '.join(missing)}: build churn_features again.")


def matrix(table: pa.Table, columns: tuple[str, ...]) -> Floats:
    """Nulls and what is not finite become NaN; shape (rows, columns)."""
    found = np.empty((table.num_rows, len(columns)))
    for place, name in enumerate(columns):
        found[:, place] = table[name].cast(pa.float64()).to_numpy()
    found[~np.isfinite(found)] = np.nan
    return found


def column(table: pa.Table, name: str) -> Floats:
    """One column without nulls: what is missing or below 0 is 0; shape (rows,)."""
    return np.maximum(np.nan_to_num(matrix(table, (name,))[:, 0], nan=0.0), 0.0)

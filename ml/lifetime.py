"""When a person orders next, and how many orders of what value follow within a horizon.

BG/NBD says how often and whether at all, Gamma-Gamma what an order comes to; see ml.bg_nbd and ml.gamma_gamma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import rankdata

from ml import bg_nbd, bootstrap, gamma_gamma
from ml.churn_features import column, require
from ml.evaluation import WITH_INTERVALS

COLUMNS = ("person_id", "split", "repeats_count", "recency_days", "age_days", "valued_orders_count", "valued_amount")
OUTCOMES = ("later_orders_count", "later_spent_amount")

# Fewer people, or fewer who came back, say little about rates that differ between people.
MIN_PEOPLE = 200
MIN_REPEATERS = 50
# The naive rate of who came yesterday is no rate: it is counted over this time at least.
NAIVE_DAYS = 30.0
# Beyond this, a date is no forecast.
LONGEST_WAIT_DAYS = 5 * 365.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LifetimeModel:
    """The fitted pair, or nothing of it where the data is thin, and in words what it stands on."""

    purchases: bg_nbd.BgNbd | None
    values: gamma_gamma.GammaGamma | None
    mean_order: float
    people_count: int
    note: str

    @property
    def is_fallback(self) -> bool:
        """Whether everyone's own past rate is all there is."""
        return self.purchases is None

    @property
    def method(self) -> str:
        return "past_rate" if self.purchases is None else "bg_nbd"


def fit(summaries: pa.Table) -> LifetimeModel:
    """Fit on people summed up at one instant (COLUMNS); thin data gives everyone's past rate, and says so."""
    require(summaries, COLUMNS)
    repeats, recency, age = _history(summaries)
    orders, mean = _values(summaries)
    # fsum: the order of the people changes no digit.
    mean_order = math.fsum(orders * mean) / orders.sum() if orders.any() else 0.0
    people, repeaters = len(repeats), int((repeats > 0).sum())
    too_few = (
        f"{people} people with an order, fewer than {MIN_PEOPLE}" if people < MIN_PEOPLE
        else f"{repeaters} people who ordered again, fewer than {MIN_REPEATERS}" if repeaters < MIN_REPEATERS
        else ""
    )  # fmt: skip
    purchases = None if too_few else bg_nbd.fit(repeats, recency, age)
    if purchases is None:
        why = too_few or "BG/NBD has no optimum"
        return LifetimeModel(None, None, mean_order, people, f"{why}: past rates instead of BG/NBD")
    values = gamma_gamma.fit(orders, mean) if (orders > 0).sum() >= MIN_REPEATERS else None
    note = f"BG/NBD on {people} people" + ("" if values else ", everyone's mean order instead of Gamma-Gamma")
    return LifetimeModel(purchases, values, mean_order, people, note)


def predict(model: LifetimeModel, summaries: pa.Table, *, at: datetime, horizon_days: int) -> pa.Table:
    """One row for each of `summaries`, in its order, as of `at` (UTC).

    expected_next_order_at is the instant by which half of such people have ordered again, null where most never will
    (or only after years); expected_orders_count and expected_value_amount (decimal) are means over the next
    `horizon_days`; probability_alive is null where only past rates speak.
    """
    require(summaries, COLUMNS)
    alive, wait, orders, value = _expected(model, summaries, float(horizon_days))
    known = np.isfinite(wait) & (wait <= LONGEST_WAIT_DAYS)
    seconds = np.where(known, wait, 0.0) * 86_400
    starts = np.datetime64(at.replace(tzinfo=None), "us")
    next_at = pa.array(starts + seconds.astype("timedelta64[s]"), pa.timestamp("us"))
    rows = summaries.num_rows
    return pa.table(
        {
            "person_id": summaries["person_id"].cast(pa.string()),
            "expected_next_order_at": pc.if_else(pa.array(known), next_at, pa.scalar(None, pa.timestamp("us"))),
            "expected_orders_count": pa.array(orders, pa.float64()),
            "expected_value_amount": _money(value),
            "probability_alive": pa.array(alive, pa.float64(), from_pandas=True),
            "horizon_days": pa.repeat(pa.scalar(horizon_days, pa.int64()), rows),
            "method": pa.repeat(pa.scalar(model.method), rows),
        }
    )


def evaluate(
    model: LifetimeModel, summaries: pa.Table, *, holdout_days: int, version: str, split: str = "test"
) -> pa.Table:
    """The model, fitted at the beginning of the held-out time, against what then happened; rows of WITH_INTERVALS.

    For orders and value: the mean absolute error per person, Spearman's rank correlation, and the bias of the sum
    (0.1 is a tenth too much). The baseline is everyone's own past rate and mean order. All null without people.
    """
    require(summaries, (*COLUMNS, *OUTCOMES))
    _, _, orders, value = _expected(model, summaries, float(holdout_days))
    naive_orders, naive_value = _past_rate(summaries, model.mean_order, float(holdout_days))
    then = {"orders": column(summaries, "later_orders_count"), "value": _signed(summaries, "later_spent_amount")}
    measured = {"orders": (orders, naive_orders), "value": (value, naive_value)}
    rows = []
    for what, (forecast, naive) in measured.items():
        happened = then[what]
        found, baseline = scores(what, happened, forecast), scores(what, happened, naive)

        def again(places: NDArray[np.int64], what: str = what, h: Floats = happened, f: Floats = forecast) -> Scores:
            return scores(what, h[places], f[places])

        around = bootstrap.intervals(len(happened), again)
        rows += [
            {
                "model": "lifetime", "version": version, "metric": metric, "split": split, "value": found[metric],
                "baseline_value": baseline[metric], "value_low": around[metric][0], "value_high": around[metric][1],
            }
            for metric in found
        ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=WITH_INTERVALS)


Scores = dict[str, float | None]


def scores(what: str, happened: Floats, forecast: Floats) -> Scores:
    """Mean absolute error, rank correlation and bias of the sum; None where one cannot be told."""
    total = float(happened.sum())
    return {
        f"{what}_mae": float(np.abs(forecast - happened).mean()) if len(happened) else None,
        f"{what}_rank_correlation": _rank_correlation(happened, forecast),
        f"{what}_bias": float(forecast.sum()) / total - 1 if total > 0 else None,
    }


def _expected(model: LifetimeModel, summaries: pa.Table, days: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Probability alive, days to the next order, and orders and value within `days`; each of shape (people,)."""
    repeats, recency, age = _history(summaries)
    if model.purchases is None:
        orders, value = _past_rate(summaries, model.mean_order, days)
        with np.errstate(divide="ignore"):
            wait = np.where(orders > 0, days / orders, np.inf)
        return np.full(len(age), np.nan), wait, orders, value
    orders = model.purchases.expected_purchases(repeats, recency, age, days)
    count, mean = _values(summaries)
    each = np.full(len(age), model.mean_order) if model.values is None else model.values.expected_mean(count, mean)
    alive = model.purchases.probability_alive(repeats, recency, age)
    return alive, model.purchases.median_days_to_next(repeats, recency, age), orders, orders * each


def _past_rate(summaries: pa.Table, mean_order: float, days: float) -> tuple[Floats, Floats]:
    repeats, _, age = _history(summaries)
    count, mean = _values(summaries)
    orders = (repeats + 1) / np.maximum(age, NAIVE_DAYS) * days
    return orders, orders * np.where(count > 0, mean, mean_order)


def _history(summaries: pa.Table) -> tuple[Floats, Floats, Floats]:
    age = column(summaries, "age_days")
    return column(summaries, "repeats_count"), np.minimum(column(summaries, "recency_days"), age), age


def _values(summaries: pa.Table) -> tuple[Floats, Floats]:
    """Orders that were worth something, and what they came to on average (0 where there is none)."""
    orders, amount = column(summaries, "valued_orders_count"), column(summaries, "valued_amount")
    return orders, np.divide(amount, orders, out=np.zeros(len(orders)), where=orders > 0)


def _signed(table: pa.Table, name: str) -> Floats:
    return np.nan_to_num(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False))


def _rank_correlation(one: Floats, other: Floats) -> float | None:
    if len(one) < 2 or one.min() == one.max() or other.min() == other.max():
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _money(values: Floats) -> pa.Array:
    largest = 1e15
    return pa.array(np.round(np.clip(values, 0.0, largest), 2), pa.float64()).cast(pa.decimal128(18, 2))

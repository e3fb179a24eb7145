"""The ways to tell who will churn that compete with each other, each with what every family of features adds.

A candidate's log-odds are `base` plus the sum of `contributions` over the families of ml.churn_features, exactly; the
contributions are counted from the mean person of the training rows.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ml import bg_nbd
from ml.churn_features import FALLING, FAMILIES, FEATURES, RISING, column, matrix

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NAMES = tuple(FAMILIES)
_SILENCE, _FREQUENCY = _NAMES.index("silence"), _NAMES.index("frequency")
_FEW_LOGITS = 12.0  # beyond one in 160,000 a probability says no more


class Candidate(Protocol):
    """A fitted way; `base` in log-odds, `contributions` of shape (rows, families)."""

    @property
    def base(self) -> float: ...

    def contributions(self, table: pa.Table) -> Floats: ...


@dataclass(frozen=True)
class Boosting:
    """Boosted trees of which each looks at one family only: exact as a sum, and as good on held-out months."""

    trees: HistGradientBoostingClassifier
    base: float
    centre: Floats

    def contributions(self, table: pa.Table) -> Floats:
        return _of_families(self.trees, matrix(table, FEATURES)) - self.centre


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on the signed logarithms; the missing are as the median."""

    regression: LogisticRegression
    medians: Floats
    means: Floats
    scales: Floats
    base: float

    def contributions(self, table: pa.Table) -> Floats:
        terms = self._standardised(matrix(table, FEATURES)) * self.regression.coef_[0]
        found, place = np.empty((len(terms), len(_NAMES))), 0
        for family, names in enumerate(FAMILIES.values()):
            found[:, family] = terms[:, place : place + len(names)].sum(axis=1)
            place += len(names)
        return found

    def _standardised(self, values: Floats) -> Floats:
        return (_signed_logs(np.where(np.isnan(values), self.medians, values)) - self.means) / self.scales


@dataclass(frozen=True)
class Purchases:
    """BG/NBD's chance of no act within the horizon, its log-odds fitted to what then happened."""

    model: bg_nbd.BgNbd
    regression: LogisticRegression
    horizon_days: int
    repeats: float
    recency: float
    base: float
    centre: Floats

    def contributions(self, table: pa.Table) -> Floats:
        return self._parts(table) - self.centre

    def _parts(self, table: pa.Table) -> Floats:
        """First the silence is put in for the typical one, then the number of acts: two steps add up to the whole."""
        repeats, recency, age = summaries(table)
        typical = np.minimum(np.full(len(age), self.recency), age)
        whole = self._log_odds(repeats, recency, age)
        as_frequent = self._log_odds(repeats, typical, age)
        found = np.zeros((len(age), len(_NAMES)))
        found[:, _SILENCE] = whole - as_frequent
        found[:, _FREQUENCY] = as_frequent
        return found

    def _log_odds(self, repeats: Floats, recency: Floats, age: Floats) -> Floats:
        forecast = _log_odds(self.model.probability_of_none(repeats, recency, age, self.horizon_days))
        return self.regression.decision_function(forecast.reshape(-1, 1))


@dataclass(frozen=True)
class Recency:
    """The days since the last act alone: what anyone could write."""

    regression: LogisticRegression
    base: float

    def contributions(self, table: pa.Table) -> Floats:
        found = np.zeros((table.num_rows, len(_NAMES)))
        found[:, _SILENCE] = self.regression.decision_function(log_recency(table)) - self.base
        return found


def probability(candidate: Candidate, table: pa.Table) -> Floats:
    """The chance of churn, strictly between 0 and 1; shape (rows,)."""
    return from_log_odds(candidate.base + candidate.contributions(table).sum(axis=1))


def from_log_odds(values: Floats) -> Floats:
    """The probabilities of log-odds."""
    return 1 / (1 + np.exp(-np.clip(values, -_FEW_LOGITS, _FEW_LOGITS)))


def fit_boosting(train: pa.Table, churned: Bools, random_state: int) -> Boosting:
    """Shallow, slow trees on the log loss need no second calibration.

    Source: Ke et al., LightGBM, NeurIPS 2017 (as scikit-learn's HistGradientBoostingClassifier); one family a tree as
    in Lou et al., Intelligible Models for Classification and Regression, KDD 2012.
    """
    places = {name: place for place, name in enumerate(FEATURES)}
    trees = HistGradientBoostingClassifier(
        learning_rate=0.03,
        max_iter=200,
        max_leaf_nodes=6,
        max_features=0.3,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        interaction_cst=[{places[name] for name in names} for names in FAMILIES.values()],
        monotonic_cst=[1 if name in RISING else -1 if name in FALLING else 0 for name in FEATURES],
        random_state=random_state,
    )
    values = matrix(train, FEATURES)
    # scikit-learn makes no bins of a column without a single value; of a constant it makes one, and never splits it.
    values[:, np.isnan(values).all(axis=0)] = 0.0
    # Threads that wait for each other cost more than they bring on so few rows, above all on a busy machine.
    with threadpool_limits(1):
        trees.fit(values, churned)
        parts = _of_families(trees, values)
    centre = parts.mean(axis=0)
    return Boosting(trees, float(trees._baseline_prediction.item() + centre.sum()), centre)


def fit_logistic(train: pa.Table, churned: Bools) -> Logistic:
    """All features at once, with a ridge."""
    values = matrix(train, FEATURES)
    seen = ~np.isnan(values)
    medians = np.array([np.median(values[seen[:, i], i]) if seen[:, i].any() else 0.0 for i in range(len(FEATURES))])
    logs = _signed_logs(np.where(seen, values, medians))
    means, scales = logs.mean(axis=0), logs.std(axis=0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    with threadpool_limits(1):
        regression = LogisticRegression(C=0.05, max_iter=2000).fit((logs - means) / scales, churned)
    return Logistic(regression, medians, means, scales, float(regression.intercept_[0]))


def fit_purchases(train: pa.Table, churned: Bools, horizon_days: int) -> Purchases | None:
    """BG/NBD on the last cutoff's people, and two numbers that calibrate it; None where it has no optimum."""
    latest = np.asarray(train["cutoff"].to_numpy() == np.max(train["cutoff"].to_numpy()))
    repeats, recency, age = summaries(train)
    model = bg_nbd.fit(repeats[latest], recency[latest], age[latest])
    if model is None:
        return None
    forecast = _log_odds(model.probability_of_none(repeats, recency, age, horizon_days)).reshape(-1, 1)
    regression = LogisticRegression().fit(forecast, churned)
    typical = float(np.median(repeats)), float(np.median(recency))
    raw = Purchases(model, regression, horizon_days, *typical, 0.0, np.zeros(len(_NAMES)))
    centre = raw.contributions(train).mean(axis=0)
    return Purchases(model, regression, horizon_days, *typical, float(centre.sum()), centre)


def fit_recency(train: pa.Table, churned: Bools) -> Recency:
    """One number and its slope."""
    regression = LogisticRegression().fit(log_recency(train), churned)
    return Recency(regression, float(regression.decision_function(log_recency(train)).mean()))


def summaries(table: pa.Table) -> tuple[Floats, Floats, Floats]:
    """What BG/NBD knows of a person: acts after the first, days from the first to the last, days from the first."""
    age = column(table, "tenure_days")
    recency = np.maximum(age - column(table, "recency_days"), 0.0)
    return np.maximum(column(table, "acts_count") - 1, 0.0), recency, age


def log_recency(table: pa.Table) -> Floats:
    """The baseline's only feature; shape (rows, 1)."""
    return np.log1p(column(table, "recency_days")).reshape(-1, 1)


def _of_families(trees: HistGradientBoostingClassifier, values: Floats) -> Floats:
    """The sum of each family's trees; a tree's family is that of its root. Shape (rows, families)."""
    family_of = [family for family, names in enumerate(FAMILIES.values()) for _ in names]
    grouped: list[list[list[object]]] = [[] for _ in _NAMES]
    for iteration in trees._predictors:
        grouped[family_of[int(iteration[0].nodes[0]["feature_idx"])]].append(iteration)
    found = np.zeros((len(values), len(_NAMES)))
    for family, iterations in enumerate(grouped):
        if iterations and len(values):
            # scikit-learn offers a sum over all trees only; the same sum over some of them is one attribute away.
            part = copy.copy(trees)
            part._predictors = iterations
            with threadpool_limits(1):
                found[:, family] = part.decision_function(values) - trees._baseline_prediction.item()
    return found


def _signed_logs(values: Floats) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values))


def _log_odds(probability: Floats) -> Floats:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(clipped) - np.log1p(-clipped)

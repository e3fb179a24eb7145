"""How far a figure would move with other people of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

ROUNDS = 200
# Of very many rows the interval is narrow, and few rounds measure it.
FEWEST_ROUNDS = 40
_ROWS_IN_ALL = 2_000_000

Intervals = dict[str, tuple[float | None, float | None]]


def intervals(
    rows: int, measure: Callable[[NDArray[np.int64]], Mapping[str, float | None]], *, seed: int = 0
) -> Intervals:
    """The middle 95 % of each figure over resamples of the rows, drawn with replacement; None where it has no value.

    `measure` gets the places of a resample, of shape (rows,). Deterministic for a seed.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    if rows == 0:
        return dict.fromkeys(measure(np.empty(0, dtype=np.int64)), (None, None))
    rng = np.random.default_rng(seed)
    rounds = int(np.clip(_ROWS_IN_ALL // rows, FEWEST_ROUNDS, ROUNDS))
    drawn = [measure(rng.integers(0, rows, rows)) for _ in range(rounds)]
    found: Intervals = {}
    for name in drawn[0]:
        values = [value for each in drawn if (value := each[name]) is not None]
        if len(values) < rounds // 2:
            found[name] = (None, None)
        else:
            low, high = np.percentile(values, [2.5, 97.5])
            found[name] = (float(low), float(high))
    return found


def difference(
    rows: int,
    measure: Callable[[NDArray[np.int64]], tuple[float | None, float | None]],
    *,
    seed: int = 0,
) -> tuple[float | None, float | None, float | None]:
    """How much the first of two figures of the same rows exceeds the second: the value, and its middle 95 %.

    Both are taken of the same resamples, so that what moves both alike is no noise. `measure` gets places of shape
    (rows,); all None where either has no value. Source: as `intervals`.
    """

    def less(places: NDArray[np.int64]) -> dict[str, float | None]:
        one, other = measure(places)
        return {"": None if one is None or other is None else one - other}

    if rows == 0:
        return None, None, None
    value = less(np.arange(rows))[""]
    low, high = intervals(rows, less, seed=seed)[""]
    return (None, None, None) if value is None or low is None else (value, low, high)

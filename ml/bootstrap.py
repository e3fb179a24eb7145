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

"""BG/NBD: how often people buy, and whether they still do, from when and how often they bought.

While a person is a customer they buy at random at a rate of their own (gamma: `r`, `alpha`), and after each purchase
they leave for good with a probability of their own (beta: `a`, `b`). A person is summed up by `repeats` (purchases
after the first), `recency` (days from the first purchase to the last) and `age` (days from the first purchase on).

Source: Fader, Hardie, Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2), 2005; equation numbers
are theirs. The best known package, lifetimes, is unmaintained, and the one that lives samples with PyMC, which is much
for four numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

Floats = NDArray[np.float64]

# People beyond this many add time, and no digit that matters: every n-th of them is taken.
MAX_FITTED = 20_000
_DAYS = 7.0  # the optimiser works in weeks, so that all four numbers are of a size
_BOUND = 7.0


@dataclass(frozen=True)
class BgNbd:
    """Four fitted numbers, in days; every method takes arrays of shape (people,) and returns one."""

    r: float
    alpha: float
    a: float
    b: float

    def probability_alive(self, repeats: Floats, recency: Floats, age: Floats) -> Floats:
        """The chance that a person still is a customer at `age` (1 for who has bought once: nobody saw them leave)."""
        return 1 / (1 + self._odds_gone(repeats, recency, age))

    def probability_of_none(self, repeats: Floats, recency: Floats, age: Floats, days: float) -> Floats:
        """The chance of no purchase in the next `days`: gone, or a customer who waits longer."""
        alive = self.probability_alive(repeats, recency, age)
        waits = ((self.alpha + age) / (self.alpha + age + days)) ** (self.r + repeats)
        return 1 - alive * (1 - waits)

    def expected_purchases(self, repeats: Floats, recency: Floats, age: Floats, days: float) -> Floats:
        """The expected number of purchases in the next `days` (10); Euler's transform keeps large counts finite."""
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        share = (self.alpha + age) / (self.alpha + age + days)
        series = hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + repeats - 1, 1 - share)
        expected = (a + self.b + repeats - 1) / (a - 1) * (1 - share ** (a - 1) * series)
        return np.maximum(expected, 0.0) * self.probability_alive(repeats, recency, age)

    def median_days_to_next(self, repeats: Floats, recency: Floats, age: Floats) -> Floats:
        """Days by which half of such people have bought again; infinite where most of them never will."""
        alive = self.probability_alive(repeats, recency, age)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            waiting = 1 - 0.5 / alive
            days = (self.alpha + age) * (waiting ** (-1 / (self.r + repeats)) - 1)
        return np.where(waiting > 0, days, np.inf)

    def _odds_gone(self, repeats: Floats, recency: Floats, age: Floats) -> Floats:
        longer = np.log(self.alpha + age) - np.log(self.alpha + recency)
        odds = np.exp(np.minimum((self.r + repeats) * longer, 700.0)) * self.a / (self.b + np.maximum(repeats, 1) - 1)
        return np.where(repeats > 0, odds, 0.0)


def fit(repeats: Floats, recency: Floats, age: Floats) -> BgNbd | None:
    """Maximum likelihood (6), from one start; None where the optimiser finds nothing finite. Row order matters not."""
    order = np.lexsort((age, recency, repeats))
    step = -(-len(order) // MAX_FITTED)
    chosen = order[:: max(step, 1)]
    x, t, upto = repeats[chosen], recency[chosen] / _DAYS, age[chosen] / _DAYS

    def loss(logs: Floats) -> float:
        return -float(np.mean(_log_likelihood(np.exp(logs), x, t, upto)))

    found = minimize(loss, np.zeros(4), method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * 4)
    if not np.isfinite(found.fun):
        return None
    r, alpha, a, b = (float(value) for value in np.exp(found.x))
    return BgNbd(r, alpha * _DAYS, a, b)


def _log_likelihood(numbers: Floats, x: Floats, t: Floats, age: Floats) -> Floats:
    r, alpha, a, b = numbers
    buys = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    alive = betaln(a, b + x) - (r + x) * np.log(alpha + age)
    gone = betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t)
    return buys + np.where(x > 0, np.logaddexp(alive, gone), alive)

"""Gamma-Gamma: what a person's orders come to on average, from what their orders came to.

An order's value varies around a person's mean (gamma: `p`), and the means vary between people (gamma: `q`, `v`),
independently of how often they buy.

Source: Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013, http://www.brucehardie.com/notes/025/.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from ml.bg_nbd import MAX_FITTED

Floats = NDArray[np.float64]

_BOUND = 9.0


@dataclass(frozen=True)
class GammaGamma:
    """Three fitted numbers; `v` is in the currency's units."""

    p: float
    q: float
    v: float

    def expected_mean(self, orders: Floats, mean: Floats) -> Floats:
        """The expected mean value of an order; of who has no order with a value (0), everyone's. Shape (people,)."""
        return self.p * (self.v + orders * mean) / (self.p * orders + self.q - 1)


def fit(orders: Floats, mean: Floats) -> GammaGamma | None:
    """Maximum likelihood over people with `orders` > 0 and a `mean` > 0; None without a finite optimum with a mean."""
    seen = (orders > 0) & (mean > 0)
    n, m = orders[seen], mean[seen]
    if not len(n):
        return None
    order = np.lexsort((m, n))
    step = -(-len(order) // MAX_FITTED)
    n, m = n[order[:: max(step, 1)]], m[order[:: max(step, 1)]]
    scale = float(np.median(m))
    m = m / scale

    def loss(logs: Floats) -> float:
        p, q, v = np.exp(logs[0]), 1 + np.exp(logs[1]), np.exp(logs[2])  # a mean over people needs q > 1
        total = p * n
        each = (
            gammaln(total + q) - gammaln(total) - gammaln(q) + q * np.log(v)
            + (total - 1) * np.log(m) + total * np.log(n) - (total + q) * np.log(n * m + v)
        )  # fmt: skip
        return -float(np.mean(each))

    found = minimize(loss, np.array([0.5, 1.0, 0.5]), method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * 3)
    if not np.isfinite(found.fun):
        return None
    p, q, v = float(np.exp(found.x[0])), 1 + float(np.exp(found.x[1])), float(np.exp(found.x[2]))
    return GammaGamma(p, q, v * scale)

"""Buy again: what a person bought often and lately, of the products that people do buy again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml import ranking
from ml.interactions import Interactions

TREND_POWER = 0.25
REPEAT_POWER = 0.5
# A product with few buyers leans on five imagined ones who repeat like everybody else's.
PRIOR_BUYERS = 5


def rank(interactions: Interactions, may_recommend: NDArray[np.bool_], *, depth: int) -> ranking.Ranking:
    """The `depth` best products that each person bought before; `may_recommend` has shape (products,).

    Score: purchases halved every half-life, times the root of the product's repeat share, times its trend.
    Personal frequency is the baseline that most next-basket models fail to beat: Li et al., "A Next Basket
    Recommendation Reality Check", 2023, https://arxiv.org/abs/2109.14233.
    """
    pairs = interactions.decayed.tocoo()
    person, product = pairs.coords[0].astype(np.int64), pairs.coords[1].astype(np.int64)
    factor = repeat_share(interactions) ** REPEAT_POWER * interactions.trend**TREND_POWER
    allowed = may_recommend[product]
    score = (pairs.data * factor[product])[allowed]
    return ranking.rank(person[allowed], product[allowed], score, depth=depth)


def repeat_share(interactions: Interactions) -> NDArray[np.float64]:
    """The share of each product's buyers who bought it more than once, smoothed; shape (products,)."""
    columns = interactions.counts.indices
    is_repeat = interactions.counts.data > 1
    repeaters = np.bincount(columns[is_repeat], minlength=len(interactions.products))
    overall = is_repeat.mean() if len(is_repeat) else 0.0
    return (repeaters + PRIOR_BUYERS * overall) / (interactions.buyers + PRIOR_BUYERS)

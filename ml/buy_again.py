"""Buy again: what a person bought before and is likely to buy within a month, of what people do buy again.

Personal frequency with decay is the baseline that most next-basket models fail to beat: Li et al., "A Next Basket
Recommendation Reality Check", 2023, https://arxiv.org/abs/2109.14233. Boosted trees over it, the product's rhythm and
the person's learn from the months before who came back for what.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml import discover, ranking
from ml.histories import Histories
from ml.popularity import Popularity

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEATURES = (
    "purchases",
    "decayed_30d",
    "decayed_120d",
    "last_days",
    "first_days",
    "gap_days",
    "last_to_gap",
    "baskets",
    "baskets_30d",
    "baskets_90d",
    "last_basket_days",
    "lines_a_basket",
    "repeated_share",
    "share_of_baskets_30d",
    "share_of_baskets_120d",
    "buyers",
    "product_repeat_share",
    "product_trend_short",
    "product_trend_long",
    "product_rhythm_days",
    "last_to_product_rhythm",
    "product_purchases_a_buyer",
    "evidence",
    "recent_evidence",
    "likeness",
)

# Without a model: purchases halved every 120 days, times these powers of the product's repeat share and trend.
REPEAT_POWER = 0.5
TREND_POWER = 0.25
# A rhythm of one's own leans on two imagined gaps of the product's.
PRIOR_GAPS = 2
# Before this share of the rhythm is over, a product is not due.
DUE_SHARE = 0.25


def fit(features: NDArray[np.float32], is_bought: Bools) -> HistGradientBoostingClassifier:
    """Trees that tell what was bought within the month after; `features` has the columns FEATURES."""
    trees = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=15, min_samples_leaf=100, early_stopping=False, random_state=0
    )
    with threadpool_limits(limits=1):
        return trees.fit(features, is_bought)


def rank(
    histories: Histories,
    popularity: Popularity,
    trees: HistGradientBoostingClassifier | None,
    discoverer: discover.Discoverer,
    may_recommend: Bools,
    *,
    depth: int,
    only_due: bool = True,
) -> ranking.Ranking:
    """The `depth` best products that each person bought before; `may_recommend` has shape (products,).

    The score is the chance of a purchase within a month, or without trees the decayed frequency. `only_due` leaves
    out what was bought so lately that the person's rhythm with the product has hardly begun again.
    """
    chosen = (histories.purchases > 0) & may_recommend[histories.product]
    if only_due:
        chosen &= histories.last >= DUE_SHARE * rhythm(histories, popularity)
    person, product = histories.person[chosen], histories.product[chosen]
    if not len(person):
        score = np.empty(0)
    elif trees is None:
        factor = popularity.repeat_share**REPEAT_POWER * popularity.trend_long**TREND_POWER
        score = histories.decayed120[chosen] * factor[product]
    else:
        score = trees.predict_proba(features(histories, popularity, discoverer, chosen))[:, 1]
    return ranking.rank(person.astype(np.int64), product.astype(np.int64), score, depth=depth)


def rhythm(histories: Histories, popularity: Popularity) -> Floats:
    """The days after which each person buys each product again, leaning on the product's; one an entry."""
    gaps = np.maximum(histories.purchases - 1.0, 0.0)
    spent = np.where(gaps > 0, histories.first - np.where(gaps > 0, histories.last, 0.0), 0.0)
    return (spent + PRIOR_GAPS * popularity.rhythm[histories.product]) / (gaps + PRIOR_GAPS)


def features(
    histories: Histories, popularity: Popularity, discoverer: discover.Discoverer, chosen: Bools
) -> NDArray[np.float32]:
    """The columns FEATURES of the chosen entries, all of which are purchases."""
    person, product = histories.person[chosen], histories.product[chosen]
    purchases, last, first = histories.purchases[chosen], histories.last[chosen], histories.first[chosen]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(purchases > 1, (first - last) / (purchases - 1), np.nan)
        repeated, all_bought = _people_counts(histories)
        # A person's last basket is not older than their last purchase of anything; no basket is impossible here.
        columns = [
            purchases,
            histories.decayed30[chosen],
            histories.decayed120[chosen],
            last,
            first,
            gap,
            np.where(gap > 0, last / gap, np.nan),
            histories.baskets[person],
            histories.baskets30[person],
            histories.baskets90[person],
            histories.last_basket[person],
            (histories.lines / histories.baskets)[person],
            (repeated / all_bought)[person],
            histories.decayed30[chosen] / (histories.baskets30[person] + 1),
            histories.decayed120[chosen] / histories.baskets[person],
            popularity.buyers[product],
            popularity.repeat_share[product],
            popularity.trend_short[product],
            popularity.trend_long[product],
            popularity.rhythm[product],
            last / popularity.rhythm[product],
            popularity.purchases_per_buyer[product],
            *discover.of_entries(discoverer, histories, popularity)[chosen].T,
        ]
    return np.column_stack([column.astype(np.float32) for column in columns])


def _people_counts(histories: Histories) -> tuple[Floats, Floats]:
    """Of each person: the products that they bought more than once, and at all."""
    count = histories.people_count
    person = histories.person
    return (
        np.bincount(person[histories.purchases > 1], minlength=count).astype(float),
        np.bincount(person[histories.purchases > 0], minlength=count).astype(float),
    )

"""What is known of each product from all its buyers: how many, how lately, how often again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.histories import Histories
from ml.interactions import Acts, Codes, Ints

Floats = NDArray[np.float64]

# A product with few buyers leans on five imagined ones who are like everybody else's.
PRIOR_BUYERS = 5
# A trend leans on three imagined buyers in the window.
PRIOR_RECENT = 3
SHORT_DAYS, LONG_DAYS = 7, 28
# A city with fewer buyers has no list of its own; with more, it leans on as many imagined ones of everywhere.
MIN_CITY_BUYERS = 30


@dataclass(frozen=True)
class Popularity:
    """Arrays of shape (products,) but for the counts; shares and trends are smoothed."""

    people_count: int  # who bought anything of the catalogue
    pairs_count: int  # people and products that they bought
    span_days: float
    buyers: Floats
    new_buyers: Floats  # who bought it for the first time in the last 28 days
    trend_short: Floats  # buyers in the last 7 days over what their share of all time predicts, about 1
    trend_long: Floats  # the same for 28 days
    repeat_share: Floats  # of the buyers, who bought it more than once
    rhythm: Floats  # mean days between two purchases of one person
    purchases_per_buyer: Floats


def measure(histories: Histories) -> Popularity:
    """The popularity of each product of the catalogue before the histories' moment."""
    bought = histories.purchases > 0
    product, purchases = histories.product[bought], histories.purchases[bought].astype(float)
    last, first = histories.last[bought].astype(float), histories.first[bought].astype(float)

    def count(where: NDArray[np.bool_] | slice = slice(None), weights: Floats | None = None) -> Floats:
        chosen = None if weights is None else weights[where]
        return np.bincount(product[where], weights=chosen, minlength=histories.products_count).astype(float)

    buyers = count()
    span = max(float(first.max(initial=0.0)), 2.0 * LONG_DAYS)
    is_repeat = purchases > 1
    gap = (first - last) / np.maximum(purchases - 1, 1)
    overall_share = float(is_repeat.mean()) if len(purchases) else 0.0
    overall_gap = float(gap[is_repeat].mean()) if is_repeat.any() else span
    repeaters = count(is_repeat)

    def trend(days: int) -> Floats:
        return (count(last <= days) + PRIOR_RECENT) / (buyers * days / span + PRIOR_RECENT)

    return Popularity(
        people_count=len(np.unique(histories.person[bought])),
        pairs_count=len(product),
        span_days=span,
        buyers=buyers,
        new_buyers=count(first <= LONG_DAYS),
        trend_short=trend(SHORT_DAYS),
        trend_long=trend(LONG_DAYS),
        repeat_share=(repeaters + PRIOR_BUYERS * overall_share) / (buyers + PRIOR_BUYERS),
        rhythm=(count(is_repeat, gap) + PRIOR_BUYERS * overall_gap) / (repeaters + PRIOR_BUYERS),
        purchases_per_buyer=count(weights=purchases) / np.maximum(buyers, 1),
    )


def by_city(acts: Acts, histories: Histories, popularity: Popularity) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """The cities with enough buyers, and in each the share of buyers of each product; shape (cities, products)."""
    bought = histories.purchases > 0
    city_of, product = acts.city[histories.person[bought]], histories.product[bought]
    is_buyer = np.bincount(histories.person[bought], minlength=histories.people_count) > 0
    buyers = np.bincount(acts.city[is_buyer & (acts.city >= 0)], minlength=len(acts.cities))
    kept: Ints = np.flatnonzero(buyers >= MIN_CITY_BUYERS)
    everywhere = share(popularity)
    shares = np.empty((len(kept), histories.products_count), np.float32)
    for row, city in enumerate(kept):
        here = np.bincount(product[city_of == city], minlength=histories.products_count)
        shares[row] = (here + MIN_CITY_BUYERS * everywhere) / (buyers[city] + MIN_CITY_BUYERS)
    return acts.cities[kept], shares


def share(popularity: Popularity) -> Floats:
    """The share of people who bought each product; shape (products,)."""
    return popularity.buyers / max(popularity.people_count, 1)


def most_bought(acts: Acts, moment: int, *, max_products: int) -> Codes:
    """The indices of the products that most people bought before `moment`, in the order of their ids."""
    acts = acts.before(moment)
    person, product = acts.person[~acts.is_view], acts.product[~acts.is_view]
    is_first = (np.diff(person, prepend=-1) != 0) | (np.diff(product, prepend=-1) != 0)
    buyers = np.bincount(product[is_first], minlength=len(acts.products))
    ranked = np.argsort(-buyers, kind="stable")[:max_products]
    return np.sort(ranked[buyers[ranked] > 0]).astype(np.int32)

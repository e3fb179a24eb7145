"""Why a product is on a list, in words for the person who reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ml import discover, ranking
from ml.catalogue import Catalogue
from ml.histories import Histories
from ml.interactions import MICROSECONDS_A_DAY

Ints = NDArray[np.int64]
Words = NDArray[np.object_]

POPULAR = "popular with our customers"
# From so many purchases on there is a rhythm to speak of.
MIN_RHYTHM_PURCHASES = 3

# More often than anybody buys one product, and longer than anybody waits; they pack three numbers into one.
_MANY, _LONG = 1 << 20, 1 << 13


def buy_again(histories: Histories, ranked: ranking.Ranking, moment: int) -> Words:
    """ "you buy it about every 12 days, last on 30 May 2024", or how often, or when."""
    if not len(ranked.product):
        return np.empty(0, dtype=object)
    entry = _entries(histories, ranked)
    count = np.minimum(histories.purchases[entry].astype(np.int64), _MANY - 1)
    last = histories.last[entry].astype(np.float64)
    gap = (histories.first[entry] - last) / np.maximum(count - 1, 1)
    every = np.where(count >= MIN_RHYTHM_PURCHASES, np.clip(np.rint(gap), 1, _LONG - 1), 0).astype(np.int64)
    day = np.floor_divide(moment - np.rint(last * MICROSECONDS_A_DAY).astype(np.int64), MICROSECONDS_A_DAY)
    # Words of the few distinct counts, gaps and days, then put together for all rows at once.
    packed, index = np.unique((day * _LONG + every) * _MANY + count, return_inverse=True)
    words = [_bought(int(p % _MANY), int(p // _MANY % _LONG), int(p // _MANY // _LONG)) for p in packed]
    return np.array(words, dtype=object)[index]


def _bought(count: int, every: int, day: int) -> str:
    date = datetime(1970, 1, 1) + timedelta(days=day)
    on = f"{date.day} {date:%B %Y}"
    if every:
        return f"you buy it about every {every} days, last on {on}" if every > 1 else f"you buy it daily, last on {on}"
    return f"you bought it on {on}" if count == 1 else f"you bought it {count} times, last on {on}"


def discovered(
    model: discover.Discoverer,
    histories: Histories,
    catalogue: Catalogue,
    ranked: ranking.Ranking,
    found: discover.Candidates,
    city: Words,
) -> Words:
    """ "because you bought …", "because you looked at …", "popular in …" a category, a city, or everywhere.

    `city` names each person's city, None where it has no list of its own.
    """
    count = histories.products_count
    at = np.searchsorted(found.person * count + found.product, ranked.person * count + ranked.product)
    speaks = discover.evidence(model.weights, histories, ranked.person, ranked.product)
    speaks[found.evidence[at] <= discover.MIN_EVIDENCE] = -1

    words = np.full(len(ranked.product), POPULAR, dtype=object)
    place = city[ranked.person]
    is_local = np.array([name is not None for name in place], dtype=np.bool_)
    words[is_local] = "popular in " + place[is_local]
    category = catalogue.category[ranked.product]
    is_usual = (found.in_category[at] > 0) & (category >= 0)
    words[is_usual] = (
        "popular in " + np.array([name.lower() for name in catalogue.categories], dtype=object)[category[is_usual]]
    )
    entry, known = speaks[speaks >= 0], speaks >= 0
    verb = np.where(histories.purchases[entry] > 0, "because you bought ", "because you looked at ").astype(object)
    words[known] = verb + catalogue.name[histories.product[entry]]
    return words


def _entries(histories: Histories, ranked: ranking.Ranking) -> Ints:
    """Where the ranked pairs stand among the entries, which are in the order of person and product."""
    count = histories.products_count
    keys = histories.person.astype(np.int64) * count + histories.product
    return np.searchsorted(keys, ranked.person * count + ranked.product)

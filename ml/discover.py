"""Discover: products that a person never bought, for which their purchases speak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml import ease, ranking
from ml.interactions import Interactions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TREND_POWER = 0.25
# Popularity only orders what no purchase speaks for.
POPULARITY_WEIGHT = 1e-6
BLOCK = 512
PAIRS_A_BLOCK = 4_096


def fit(interactions: Interactions, *, regularisation: float = 500.0) -> ease.Ease | None:
    """EASE on who ever bought what; None when nobody bought anything."""
    if not interactions.counts.nnz:
        return None
    return ease.fit(interactions.bought, regularisation=regularisation)


def rank(model: ease.Ease | None, interactions: Interactions, may_recommend: Bools, *, depth: int) -> ranking.Ranking:
    """The `depth` best products new to each person; `may_recommend` has shape (products,).

    Score: EASE, not below zero, times the product's trend; plus a millionth of its popularity, so that a
    person with no evidence gets what most people bought.
    """
    parts = [_rank_block(model, interactions, may_recommend, start, depth) for start in _starts(model)]
    if not parts:
        empty = np.empty(0, dtype=np.int64)
        return ranking.Ranking(empty, empty, empty, np.empty(0))
    return ranking.Ranking(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS),
    )


def rank_popular(interactions: Interactions, may_recommend: Bools, *, depth: int) -> ranking.Ranking:
    """One list, of person 0, for people without a history: the products that most people bought."""
    product = np.flatnonzero(may_recommend)
    score = popularity(interactions)[product] * POPULARITY_WEIGHT
    return ranking.rank(np.zeros(len(product), dtype=np.int64), product, score, depth=depth)


def popularity(interactions: Interactions) -> Floats:
    """The share of people who bought each product; shape (products,)."""
    return interactions.buyers / max(len(interactions.people), 1)


def evidence(model: ease.Ease, ranked: ranking.Ranking) -> Ints:
    """The purchase that speaks most for each ranked product, as a product index; -1 where none does."""
    found = np.full(len(ranked.product), -1)
    history = model.history
    purchases = np.diff(history.indptr)[ranked.person]
    by_product = np.argsort(ranked.product, kind="stable")
    by_product = by_product[purchases[by_product] > 0]
    for start in range(0, len(by_product), PAIRS_A_BLOCK):
        pairs = by_product[start : start + PAIRS_A_BLOCK]
        products, column = np.unique(ranked.product[pairs], return_inverse=True)
        weights = model.weights(products)

        # Every purchase of every pair in one long array, of which the pairs are runs.
        lengths = purchases[pairs]
        begins = np.cumsum(lengths) - lengths
        offset = np.arange(lengths.sum()) - np.repeat(begins, lengths)
        bought = history.indices[np.repeat(history.indptr[ranked.person[pairs]], lengths) + offset]
        gain = weights[bought, np.repeat(column, lengths)]
        most = np.maximum.reduceat(gain, begins)
        is_most = (gain == np.repeat(most, lengths)) & (gain > 0)

        # Purchases are in the order of products, so that the first of equals is the lowest.
        run, first = np.unique(np.repeat(np.arange(len(pairs)), lengths)[is_most], return_index=True)
        found[pairs[run]] = bought[is_most][first]
    return found


_COLUMNS = ("person", "rank", "product", "score")


def _starts(model: ease.Ease | None) -> range:
    return range(0, 0 if model is None else model.history.shape[0], BLOCK)


def _rank_block(
    model: ease.Ease | None, interactions: Interactions, may_recommend: Bools, start: int, depth: int
) -> ranking.Ranking:
    assert model is not None
    people = np.arange(start, min(start + BLOCK, model.history.shape[0]))
    scores = np.maximum(model.scores(people), 0.0) * interactions.trend**TREND_POWER
    scores += popularity(interactions) * POPULARITY_WEIGHT
    scores[:, ~may_recommend] = -np.inf
    bought = model.history[people].tocoo()
    scores[bought.coords[0], bought.coords[1]] = -np.inf
    return ranking.rank_dense(scores, depth=depth, first_person=start)

"""Fitting the recommender: on what came before as_of, with behaviour learned from the months before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier

from ml import buy_again, catalogue, discover, ease, histories, interactions, likeness, popularity
from ml.histories import Histories
from ml.interactions import MICROSECONDS_A_DAY, Acts
from ml.popularity import Popularity
from ml.recommend import Recommender

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_PRODUCTS = 10_000
# What comes true within so many days is what the rankings are learned on; it is also how far back each look is.
HORIZON_DAYS = 30
BUY_AGAIN_LOOKS = 2
# Enough people to learn from: more do not make 30 numbers better.
MAX_LEARNING_PEOPLE = 10_000

# Below these, popularity and plain rules stand in, and the note says so.
MIN_PEOPLE = 30  # who bought something, for weights between products
MIN_PAIRS = 100  # people and products that they bought, for the same
MIN_LEARNING_PEOPLE = 50  # who bought in the month after a look, for learning
MIN_LEARNING_HITS = 200  # of the candidates that were then bought, for learning


@dataclass(frozen=True)
class _Look:
    """What was known at a moment."""

    products: NDArray[np.int32]  # indices into the acts' products
    column: NDArray[np.int32]
    moment: int
    people: Histories
    popularity: Popularity


def fit(
    rows: pa.Table | pa.RecordBatchReader | Acts,
    products: pa.Table,
    *,
    as_of: datetime,
    max_products: int = MAX_PRODUCTS,
) -> Recommender:
    """Fit on the acts strictly before `as_of` (UTC); the same rows in any order give the same bits.

    `rows` has what interactions.read takes, `products` what catalogue.of does. Where the data is below the
    minimums of this file the model is simpler, and its note says what it does without; nothing fails.
    """
    acts = rows if isinstance(rows, Acts) else interactions.read(rows)
    moment = interactions.microseconds(as_of)
    look = _look(acts, moment, max_products)
    ids = acts.products[look.products]
    notes = []

    trees = _learn_buy_again(acts, moment, max_products)
    if trees is None:
        notes.append("what people buy again is ranked by their decayed frequency, as too few came back to learn from")
    found = _discoverer(look, products, ids)
    method = "rules" if found.weights.nnz else "popularity"
    if method == "popularity":
        notes.append(
            f"what to discover is what is popular, as weights between products need {MIN_PEOPLE} people "
            f"and {MIN_PAIRS} of their products, and there are {look.popularity.people_count} "
            f"and {look.popularity.pairs_count}"
        )
    else:
        learned = _learn_discover(acts, products, moment, max_products)
        if learned is None:
            notes.append(
                "what to discover is ranked by evidence and trend, as too few tried new products to learn from"
            )
        else:
            method = "learned"
            found = replace(found, coefficients=learned[0], intercept=learned[1])
    cities, shares = popularity.by_city(acts, look.people, look.popularity)
    return Recommender(
        products=ids,
        moment=moment,
        popularity=look.popularity,
        cities=cities,
        city_shares=shares,
        discoverer=found,
        trees=trees,
        discover_method=method,
        buy_again_method="rules" if trees is None else "learned",
        note=f"Recommendations: {'; '.join(notes)}." if notes else "",
    )


def _look(acts: Acts, moment: int, max_products: int) -> _Look:
    products = popularity.most_bought(acts, moment, max_products=max_products)
    column = np.full(len(acts.products), -1, np.int32)
    column[products] = np.arange(len(products))
    people = histories.build(acts, column, moment, len(products))
    return _Look(products, column, moment, people, popularity.measure(people))


def _discoverer(look: _Look, products: pa.Table, ids: NDArray[np.str_]) -> discover.Discoverer:
    category = catalogue.of(products, ids).category
    is_thin = look.popularity.people_count < MIN_PEOPLE or look.popularity.pairs_count < MIN_PAIRS
    if is_thin or len(ids) < 2:
        nothing = sparse.csr_array((len(ids), len(ids)), dtype=np.float32)
        return discover.fit(look.people, look.popularity, category, nothing, np.zeros((len(ids), 1), np.float32))
    taste = look.people.taste
    directions = likeness.fit(taste, look.popularity.buyers)
    return discover.fit(look.people, look.popularity, category, ease.fit(taste), directions)


def _learn_buy_again(acts: Acts, moment: int, max_products: int) -> HistGradientBoostingClassifier | None:
    """Trees on what was bought again in the month after each of the last looks; None where it is too little."""
    tables, outcomes, people = [], [], 0
    for month in range(1, BUY_AGAIN_LOOKS + 1):
        cutoff = moment - month * HORIZON_DAYS * MICROSECONDS_A_DAY
        look = _look(acts, cutoff, max_products)
        later = _later(acts, look)
        chosen = _active(later, look)
        entries = (look.people.purchases > 0) & chosen[look.people.person]
        if not entries.any():
            continue
        tables.append(buy_again.features(look.people, look.popularity, entries))
        outcomes.append(np.isin(_keys(look)[entries], later))
        people += int(chosen.sum())
    hits = sum(int(outcome.sum()) for outcome in outcomes)
    count = sum(len(outcome) for outcome in outcomes)
    if people < MIN_LEARNING_PEOPLE or not MIN_LEARNING_HITS <= hits < count:
        return None
    return buy_again.fit(np.vstack(tables), np.concatenate(outcomes))


def _learn_discover(
    acts: Acts, products: pa.Table, moment: int, max_products: int
) -> tuple[NDArray[np.float64], float] | None:
    """What each feature counts, by which candidates were bought in the last month; None where it is too little."""
    look = _look(acts, moment - HORIZON_DAYS * MICROSECONDS_A_DAY, max_products)
    model = _discoverer(look, products, acts.products[look.products])
    if not model.weights.nnz:
        return None
    later = _later(acts, look)
    novel = later[~np.isin(later, _keys(look)[look.people.purchases > 0])]
    chosen = np.flatnonzero(_active(novel, look))
    tables, outcomes = [], []
    every = np.ones(len(look.products), dtype=np.bool_)
    for start in range(0, len(chosen), discover.BLOCK):
        block = chosen[start : start + discover.BLOCK]
        prior = discover.everywhere(look.popularity, len(block))
        found = discover.candidates(model, look.people.of(block), look.popularity, every, prior)
        kept = found.evidence > discover.MIN_EVIDENCE
        tables.append(found.features[kept])
        outcomes.append(np.isin(block[found.person] * len(look.products) + found.product, novel)[kept])
    hits = sum(int(outcome.sum()) for outcome in outcomes)
    count = sum(len(outcome) for outcome in outcomes)
    if len(chosen) < MIN_LEARNING_PEOPLE or not MIN_LEARNING_HITS <= hits < count:
        return None
    return discover.learn(np.vstack(tables), np.concatenate(outcomes))


def _later(acts: Acts, look: _Look) -> Ints:
    """The distinct people and products, as keys, that were bought within the horizon after a look."""
    end = look.moment + HORIZON_DAYS * MICROSECONDS_A_DAY
    chosen = ~acts.is_view & (acts.moment >= look.moment) & (acts.moment < end) & (look.column[acts.product] >= 0)
    return np.unique(acts.person[chosen].astype(np.int64) * len(look.products) + look.column[acts.product[chosen]])


def _active(later: Ints, look: _Look) -> Bools:
    """Who had bought before the look and did after it; of very many, evenly spaced ones."""
    people = np.unique(later // max(len(look.products), 1))
    people = people[look.people.baskets[people] > 0]
    chosen = np.zeros(look.people.people_count, dtype=np.bool_)
    chosen[people[:: max(1, -(-len(people) // MAX_LEARNING_PEOPLE))]] = True
    return chosen


def _keys(look: _Look) -> Ints:
    return look.people.person.astype(np.int64) * len(look.products) + look.people.product

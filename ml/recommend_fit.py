"""Fitting the recommender: on what came before as_of, with behaviour learned from the months before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from ml import buy_again, catalogue, discover, ease, histories, interactions, likeness, popularity
from ml.histories import Histories
from ml.interactions import MICROSECONDS_A_DAY, Acts
from ml.popularity import Popularity
from ml.recommend import Recommender

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_PRODUCTS = 10_000
# What comes true within so many days of a look is what the rankings are learned on. Looks are the beginnings of
# months, so that models of one month and of the next have most of theirs in common.
HORIZON_DAYS = 30
LOOKS = 4
# Enough to learn from: more people, or more of what they once bought, do not make 30 numbers better.
MAX_LEARNING_PEOPLE = 5_000
MAX_LEARNING_ROWS = 500_000

# Below these, popularity and plain rules stand in, and the note says so.
MIN_PEOPLE = 30  # who bought something, for weights between products
MIN_PAIRS = 100  # people and products that they bought, for the same
MIN_LEARNING_PEOPLE = 50  # who bought in the month after a look, for learning
MIN_LEARNING_HITS = 200  # of the candidates that were then bought, for learning


@dataclass(frozen=True)
class _Look:
    """What was known at a moment."""

    column: NDArray[np.int32]  # where each of the acts' products stands in the catalogue, -1 where it does not
    products: NDArray[np.int32]  # of the catalogue, indices into the acts' products
    moment: int
    people: Histories
    popularity: Popularity
    discoverer: discover.Discoverer

    @property
    def keys(self) -> Ints:
        """People and products of the entries."""
        return self.people.person.astype(np.int64) * len(self.products) + self.people.product


@dataclass
class _Examples:
    """Features at past looks, and what was bought in the month after."""

    features: list[NDArray[np.floating]] = field(default_factory=list)
    is_bought: list[Bools] = field(default_factory=list)
    people: int = 0

    def add(self, features: NDArray[np.floating], is_bought: Bools) -> None:
        """More of both, one row for each."""
        self.features.append(features)
        self.is_bought.append(is_bought)

    def join(self, others: _Examples) -> None:
        """More of both, and their people."""
        self.features += others.features
        self.is_bought += others.is_bought
        self.people += others.people

    @property
    def are_enough(self) -> bool:
        """Whether there is anything to learn from."""
        hits, count = sum(int(each.sum()) for each in self.is_bought), sum(len(each) for each in self.is_bought)
        return self.people >= MIN_LEARNING_PEOPLE and MIN_LEARNING_HITS <= hits < count

    @property
    def whole(self) -> tuple[NDArray[np.floating], Bools]:
        """All of them, or evenly spaced ones of very many."""
        features, is_bought = np.vstack(self.features), np.concatenate(self.is_bought)
        chosen = np.linspace(0, len(is_bought) - 1, min(len(is_bought), MAX_LEARNING_ROWS)).astype(np.int64)
        return features[chosen], is_bought[chosen]


@dataclass
class Looks:
    """What fits over the same acts, products and max_products have in common: each look is taken once.

    Kept are the models' own looks, and what there was to learn at the others: a few hundred MB at most."""

    own: dict[int, _Look] = field(default_factory=dict)
    again: dict[int, _Examples] = field(default_factory=dict)


def fit(
    rows: pa.Table | pa.RecordBatchReader | Acts,
    products: pa.Table,
    *,
    as_of: datetime,
    max_products: int = MAX_PRODUCTS,
    looks: Looks | None = None,
) -> Recommender:
    """Fit on the acts strictly before `as_of` (UTC); the same rows in any order give the same bits.

    `rows` has what interactions.read takes, `products` what catalogue.of does. Where the data is below the
    minimums of this file the model is simpler, and its note says what it does without; nothing fails. Give the same
    `looks` to several fits, the earliest `as_of` first, and the later ones take less.
    """
    acts = rows if isinstance(rows, Acts) else interactions.read(rows)
    moment = interactions.microseconds(as_of)
    looks = Looks() if looks is None else looks
    look = looks.own[moment] = _look(acts, moment, max_products, products)
    found, notes = look.discoverer, []
    again, new = _examples(acts, moment, max_products, products, looks)
    trees = buy_again.fit(*again.whole) if again.are_enough else None
    if trees is None:
        notes.append("what people buy again is ranked by their decayed frequency, as too few came back to learn from")
    method = "rules" if found.weights.nnz else "popularity"
    if method == "popularity":
        notes.append(
            f"what to discover is what is popular, as weights between products need {MIN_PEOPLE} people "
            f"and {MIN_PAIRS} of their products, and there are {look.popularity.people_count} "
            f"and {look.popularity.pairs_count}"
        )
    elif new.are_enough:
        coefficients, intercept = discover.learn(*new.whole)
        method, found = "learned", replace(found, coefficients=coefficients, intercept=intercept)
    else:
        notes.append("what to discover is ranked by evidence and trend, as too few tried new products to learn from")
    cities, shares = popularity.by_city(acts, look.people, look.popularity)
    return Recommender(
        products=acts.products[look.products],
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


def _look(acts: Acts, moment: int, max_products: int, products: pa.Table) -> _Look:
    kept = popularity.most_bought(acts, moment, max_products=max_products)
    column = np.full(len(acts.products), -1, np.int32)
    column[kept] = np.arange(len(kept))
    people = histories.build(acts, column, moment, len(kept))
    measured = popularity.measure(people)
    category = catalogue.of(products, acts.products[kept]).category
    is_thin = measured.people_count < MIN_PEOPLE or measured.pairs_count < MIN_PAIRS
    if is_thin or len(kept) < 2:
        weights = sparse.csr_array((len(kept), len(kept)), dtype=np.float32)
        directions = np.zeros((len(kept), 1), np.float32)
    else:
        weights, directions = ease.fit(people.taste), likeness.fit(people.taste, measured.buyers)
    found = discover.fit(measured, category, weights, directions)
    return _Look(column, kept, moment, people, measured, found)


def _examples(
    acts: Acts, moment: int, max_products: int, products: pa.Table, looks: Looks
) -> tuple[_Examples, _Examples]:
    """What to learn from: for what is bought again the last looks, until they have people enough; for what is new
    the last of them, as tastes for new products change fastest."""
    again, new = _Examples(), _Examples()
    for number, past in enumerate(_months_over(moment)):
        is_for_new = number == 0
        if again.people >= MAX_LEARNING_PEOPLE:
            break
        if is_for_new or past not in looks.again:
            look = looks.own.get(past) or _look(acts, past, max_products, products)
            later = _later(acts, look)
            if not len(later):
                break
            looks.again[past] = _Examples()
            _add_again(looks.again[past], look, later)
            if is_for_new and look.discoverer.weights.nnz:
                _add_new(new, look, later)
        again.join(looks.again[past])
    return again, new


def _months_over(moment: int) -> list[int]:
    """The last beginnings of months (UTC) whose horizon is over at a moment, the latest first."""
    months = np.datetime64(moment, "us").astype("datetime64[M]") - np.arange(LOOKS + 2)
    starts = months.astype("datetime64[us]").astype(np.int64)
    return [int(each) for each in starts[starts + HORIZON_DAYS * MICROSECONDS_A_DAY <= moment][:LOOKS]]


def _add_again(examples: _Examples, look: _Look, later: Ints) -> None:
    chosen = _active(later, look)
    rows = look.people.of(chosen)
    entries = rows.purchases > 0
    if entries.any():
        keys = chosen[rows.person] * len(look.products) + rows.product
        features = buy_again.features(rows, look.popularity, look.discoverer, entries)
        examples.add(features, np.isin(keys[entries], later))
        examples.people += len(chosen)


def _add_new(examples: _Examples, look: _Look, later: Ints) -> None:
    novel = later[~np.isin(later, look.keys[look.people.purchases > 0])]
    chosen = _active(novel, look)
    every = np.ones(len(look.products), dtype=np.bool_)
    for start in range(0, len(chosen), discover.BLOCK):
        people = chosen[start : start + discover.BLOCK]
        prior = discover.everywhere(look.popularity, len(people))
        found = discover.candidates(look.discoverer, look.people.of(people), look.popularity, every, prior)
        kept = found.evidence > discover.MIN_EVIDENCE
        keys = people[found.person] * len(look.products) + found.product
        examples.add(found.features[kept], np.isin(keys, novel)[kept])
    examples.people += len(chosen)


def _later(acts: Acts, look: _Look) -> Ints:
    """The distinct people and products, as keys, that were bought within the horizon after a look."""
    end = look.moment + HORIZON_DAYS * MICROSECONDS_A_DAY
    chosen = ~acts.is_view & (acts.moment >= look.moment) & (acts.moment < end) & (look.column[acts.product] >= 0)
    return np.unique(acts.person[chosen].astype(np.int64) * len(look.products) + look.column[acts.product[chosen]])


def _active(later: Ints, look: _Look) -> Ints:
    """Who had bought before the look and did after it; of very many, evenly spaced ones."""
    people = np.unique(later // max(len(look.products), 1))
    people = people[look.people.baskets[people] > 0]
    return people[:: max(1, -(-len(people) // MAX_LEARNING_PEOPLE))]

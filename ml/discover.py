"""Discover: products that a person never bought, for which what they bought and looked at speaks.

Candidates come from the item-item weights; a logistic regression over them, learned on the month before, weighs the
weights with what is recent, with what similar people like, and with what the product's category and trend say.
Without enough to learn from, the weights alone decide; without evidence, popularity in the person's categories,
their city, and everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ml import likeness, ranking
from ml.histories import Histories
from ml.popularity import Popularity, share

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

FEATURES = (
    "evidence",
    "recent_evidence",
    "likeness",
    "category_purchases",
    "looked_at",
    "buyers",
    "new_buyers",
    "trend_short",
    "trend_long",
    "category_size",
)
TREND_POWER = 0.5
# Popularity only orders what no evidence speaks for: less than any evidence that counts.
POPULARITY_WEIGHT = 1e-6
MIN_EVIDENCE = 1e-4
CANDIDATES = 60
# People scored at a time: a dense row of products each.
BLOCK = 1_000


@dataclass(frozen=True)
class Discoverer:
    """Item-item weights, directions of taste, and what each feature counts (None where nothing was learned)."""

    weights: sparse.csr_array  # (sources, targets)
    directions: Floats
    category: Ints  # of each product, -1 where unknown
    category_size: Floats  # buyers of the products of each product's category
    coefficients: NDArray[np.float64] | None = None
    intercept: float = 0.0


@dataclass(frozen=True)
class Candidates:
    """Parallel arrays: whose, which product, how much the history speaks for it, and in which known category."""

    person: Ints
    product: Ints
    evidence: Floats
    in_category: Floats  # decayed purchases of the person in the product's category
    features: NDArray[np.float64]  # (candidates, FEATURES)


def candidates(
    model: Discoverer,
    histories: Histories,
    popularity: Popularity,
    may_recommend: Bools,
    prior: NDArray[np.float32],
    *,
    depth: int = CANDIDATES,
) -> Candidates:
    """The `depth` best products new to each person by evidence and trend, then by `prior`, (people, products)."""
    taste = histories.taste
    trend = (popularity.trend_long**TREND_POWER).astype(np.float32)
    evidence = (taste @ model.weights).toarray()
    np.maximum(evidence, 0.0, out=evidence)
    scores = evidence * trend + prior * np.float32(POPULARITY_WEIGHT)
    scores[:, ~may_recommend] = -np.inf
    is_bought = histories.purchases > 0
    scores[histories.person[is_bought], histories.product[is_bought]] = -np.inf

    person, product = _best(scores, depth)
    return _described(model, histories, popularity, person, product, evidence[person, product])


def _best(scores: Floats, depth: int) -> tuple[Ints, Ints]:
    """The `depth` highest scores of each row that are not -inf, and whatever equals the last of them."""
    width = scores.shape[1]
    kth = max(width - depth, 0)
    least = np.partition(scores, kth, axis=1)[:, kth : kth + 1]
    person, product = np.divmod(np.flatnonzero((scores >= least) & (scores > -np.inf)), width)
    return person, product


def _described(
    model: Discoverer, histories: Histories, popularity: Popularity, person: Ints, product: Ints, evidence: Floats
) -> Candidates:
    recent = (histories.recent_taste @ model.weights).toarray()[person, product]
    near = _likeness(model, histories, popularity, person, product)
    in_category = _in_category(model, histories)[person, model.category[product]]
    in_category[model.category[product] < 0] = 0.0
    looked_at = histories.matrix(histories.viewed).toarray()[person, product]
    columns = [
        evidence,
        recent,
        near,
        in_category,
        looked_at,
        popularity.buyers[product],
        popularity.new_buyers[product] + 1.0,
        popularity.trend_short[product],
        popularity.trend_long[product],
        model.category_size[product],
    ]
    logs = [np.log(np.maximum(column, 0.0) + 1e-3) for column in columns]
    return Candidates(person, product, evidence, in_category, np.column_stack(logs).astype(np.float64))


def _in_category(model: Discoverer, histories: Histories) -> Floats:
    """Purchases of each person in each category, halved every 120 days; shape (people, categories)."""
    count = int(model.category.max(initial=0)) + 1
    category = model.category[histories.product]
    known = category >= 0
    cell = histories.person[known].astype(np.int64) * count + category[known]
    sums = np.bincount(cell, weights=histories.decayed120[known], minlength=histories.people_count * count)
    return sums.reshape(histories.people_count, count).astype(np.float32)


def fit(popularity: Popularity, category: Ints, weights: sparse.csr_array, directions: Floats) -> Discoverer:
    """What needs no learning: which category each product is in, and how large that is."""
    sizes = np.bincount(category + 1, weights=popularity.buyers, minlength=1)
    sizes[0] = 0.0
    return Discoverer(weights, directions, category, sizes[category + 1].astype(np.float32))


def learn(features: NDArray[np.floating], is_bought: Bools) -> tuple[NDArray[np.float64], float]:
    """The coefficients of FEATURES and the intercept that tell best which candidates were bought."""
    with threadpool_limits(limits=1):
        scaler = StandardScaler().fit(features)
        regression = LogisticRegression(max_iter=500).fit(scaler.transform(features), is_bought)
        coefficients = regression.coef_[0] / scaler.scale_
        return coefficients, float(regression.intercept_[0] - (coefficients * scaler.mean_).sum())


def scores(model: Discoverer, found: Candidates, popularity: Popularity, prior: Floats) -> NDArray[np.float64]:
    """The chance of a purchase within a month where evidence speaks, and a millionth of popularity elsewhere.

    `prior` has the popularity of each candidate where the person is. A category that the person buys doubles it.
    """
    prior_score = prior.astype(np.float64) * POPULARITY_WEIGHT * np.where(found.in_category > 0, 2.0, 1.0) / 2
    if model.coefficients is None:
        spoken = found.evidence * popularity.trend_long[found.product] ** TREND_POWER
    else:
        total = np.full(len(found.person), model.intercept)
        for column, coefficient in enumerate(model.coefficients):
            total += coefficient * found.features[:, column]
        spoken = 1 / (1 + np.exp(-total))
    return np.where(found.evidence > MIN_EVIDENCE, POPULARITY_WEIGHT + spoken, prior_score)


def rank(
    model: Discoverer,
    histories: Histories,
    popularity: Popularity,
    may_recommend: Bools,
    prior: NDArray[np.float32],
    *,
    depth: int,
) -> tuple[ranking.Ranking, Candidates]:
    """The `depth` best products new to each person, and the candidates that they were chosen from."""
    found = candidates(model, histories, popularity, may_recommend, prior, depth=max(depth, CANDIDATES))
    score = scores(model, found, popularity, prior[found.person, found.product])
    return ranking.rank(found.person, found.product, score, depth=depth), found


def everywhere(popularity: Popularity, people: int) -> NDArray[np.float32]:
    """The popularity of each product among all, for so many people; shape (people, products)."""
    return np.broadcast_to(share(popularity).astype(np.float32), (people, len(popularity.buyers)))


def of_entries(model: Discoverer, histories: Histories, popularity: Popularity) -> NDArray[np.float32]:
    """Evidence, recent evidence and likeness of each entry of the histories, (entries, 3).

    How much the rest of what a person has speaks for a product that they have already.
    """
    columns = np.zeros((len(histories.product), 3), np.float32)
    for start in range(0, histories.people_count, BLOCK):
        people = np.arange(start, min(start + BLOCK, histories.people_count))
        rows = histories.of(people)
        person, product = rows.person.astype(np.int64), rows.product.astype(np.int64)
        entries = slice(histories.indptr[start], histories.indptr[people[-1] + 1])
        if model.weights.nnz and len(person):
            columns[entries, 0] = (rows.taste @ model.weights).toarray()[person, product]
            columns[entries, 1] = (rows.recent_taste @ model.weights).toarray()[person, product]
        columns[entries, 2] = _likeness(model, rows, popularity, person, product)
    return columns


def _likeness(model: Discoverer, histories: Histories, popularity: Popularity, person: Ints, product: Ints) -> Floats:
    places = likeness.places(histories.taste, popularity.buyers, model.directions)
    near = np.zeros(len(person), np.float32)
    for component in range(places.shape[1]):  # in this order, so that the sums are rounded the same way
        near += places[person, component] * model.directions[product, component]
    return near


def evidence(weights: sparse.csr_array, histories: Histories, person: Ints, product: Ints) -> Ints:
    """The entry of the histories that speaks most for each product of each person; -1 where none does.

    Of equals it is the first product. Every entry of every pair is looked up among the weights at once.
    """
    found = np.full(len(person), -1, np.int64)
    lengths = np.diff(histories.indptr)[person]
    chosen = np.flatnonzero(lengths)
    if not len(chosen) or not weights.nnz:
        return found
    lengths = lengths[chosen]
    begins = np.cumsum(lengths) - lengths
    entry = np.arange(lengths.sum()) - np.repeat(begins, lengths) + np.repeat(histories.indptr[person[chosen]], lengths)
    gain = histories.taste.data[entry] * np.asarray(
        weights[histories.product[entry], np.repeat(product[chosen], lengths)]
    )
    most = np.maximum.reduceat(gain, begins)
    is_most = (gain == np.repeat(most, lengths)) & (gain > 0)
    run, first = np.unique(np.repeat(np.arange(len(chosen)), lengths)[is_most], return_index=True)
    found[chosen[run]] = entry[is_most][first]
    return found

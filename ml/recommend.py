"""Two lists for each person: products to discover, and products to buy again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml import buy_again, discover, ease, interactions, ranking
from ml.interactions import Interactions

SCHEMA = pa.schema(
    [
        ("person_id", pa.string()),
        ("list", pa.string()),
        ("rank", pa.int64()),
        ("product_id", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
    ]
)

LIST_LENGTH = 10
MAX_PER_CATEGORY = 3
# How far down the raw ranking the category limit may reach.
DISCOVER_DEPTH = 100

POPULAR = "popular with our customers"

# More often than anybody buys one product; packs a count and a day into one number.
_MANY = 1_000_000

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Recommender:
    """What people bought, and the weights between products (None when nobody bought anything)."""

    interactions: Interactions
    ease: ease.Ease | None


@dataclass(frozen=True)
class _Catalogue:
    """The products table in the order of the recommender's products; unknown products are unavailable."""

    name: NDArray[np.object_]
    category: Ints  # -1 where unknown
    is_available: Bools
    is_consumable: Bools  # unknown counts as consumable


def fit(
    purchases: pa.Table,
    *,
    as_of: datetime,
    half_life_days: float = 120.0,
    regularisation: float = 500.0,
    max_products: int = 10_000,
) -> Recommender:
    """Fit on the purchases strictly before `as_of` (UTC); there is no randomness in it.

    `purchases` has person_id, product_id, purchased_at and quantity, a row per order line.
    """
    built = interactions.build(purchases, as_of=as_of, half_life_days=half_life_days, max_products=max_products)
    return Recommender(built, discover.fit(built, regularisation=regularisation))


def recommend(model: Recommender, products: pa.Table, *, people: Iterable[str] = ()) -> pa.Table:
    """At most ten products a person and list, as SCHEMA, sorted by person, list and rank.

    `products` has product_id, name, category, is_available and is_consumable; the last may be null.
    Everyone with a purchase gets both lists, where there is something to put on them; `people` adds persons
    without one, who get what most people bought. 'discover' has nothing the person ever bought and at most
    three products of a category; 'buy_again' has nothing that is not consumable. Only available products
    are on either. Scores compare within a list of one person, not between lists.
    """
    catalogue = _catalogue(products, model.interactions.products)
    tables = [
        _discover_table(model, catalogue),
        _buy_again_table(model, catalogue),
        _popular_table(model, catalogue, people),
    ]
    order = [("person_id", "ascending"), ("list", "ascending"), ("rank", "ascending")]
    return pa.concat_tables(tables).sort_by(order).combine_chunks()


def _discover_table(model: Recommender, catalogue: _Catalogue) -> pa.Table:
    ranked = discover.rank(model.ease, model.interactions, catalogue.is_available, depth=DISCOVER_DEPTH)
    served = _served(ranked, catalogue)
    if model.ease is None:
        return SCHEMA.empty_table()
    bought = discover.evidence(model.ease, served)
    has_reason = (bought >= 0) & (served.score > discover.POPULARITY_WEIGHT)
    because = np.array([f"because you bought {name}" for name in catalogue.name] or [""], dtype=object)
    reason = np.where(has_reason, because[np.maximum(bought, 0)], POPULAR)
    return _table(model.interactions, "discover", served, model.interactions.people[served.person], reason)


def _buy_again_table(model: Recommender, catalogue: _Catalogue) -> pa.Table:
    allowed = catalogue.is_available & catalogue.is_consumable
    ranked = buy_again.rank(model.interactions, allowed, depth=LIST_LENGTH)
    reason = _buy_again_reasons(model.interactions, ranked)
    return _table(model.interactions, "buy_again", ranked, model.interactions.people[ranked.person], reason)


def _popular_table(model: Recommender, catalogue: _Catalogue, people: Iterable[str]) -> pa.Table:
    newcomers = np.setdiff1d(np.array(sorted(set(people)), dtype=np.str_), model.interactions.people)
    raw = discover.rank_popular(model.interactions, catalogue.is_available, depth=DISCOVER_DEPTH)
    one = _served(raw, catalogue)
    length = len(one.product)
    ranked = ranking.Ranking(
        person=np.repeat(np.arange(len(newcomers)), length),
        rank=np.tile(one.rank, len(newcomers)),
        product=np.tile(one.product, len(newcomers)),
        score=np.tile(one.score, len(newcomers)),
    )
    reason = np.full(len(ranked.product), POPULAR, dtype=object)
    return _table(model.interactions, "discover", ranked, newcomers[ranked.person], reason)


def _served(ranked: ranking.Ranking, catalogue: _Catalogue) -> ranking.Ranking:
    return ranking.cap_groups(ranked, catalogue.category, limit=MAX_PER_CATEGORY, depth=LIST_LENGTH)


def _buy_again_reasons(built: Interactions, ranked: ranking.Ranking) -> NDArray[np.object_]:
    """Words from the few distinct counts and days, then put together for all rows at once."""
    if not len(ranked.product):
        return np.empty(0, dtype=object)
    counts = np.asarray(built.counts[ranked.person, ranked.product]).ravel().astype(np.int64)
    days_ago = np.asarray(built.last_bought[ranked.person, ranked.product]).ravel()
    microseconds = np.rint(days_ago * interactions.MICROSECONDS_A_DAY).astype(np.int64)
    days = (built.as_of_us - microseconds) // interactions.MICROSECONDS_A_DAY
    pairs, index = np.unique(days * _MANY + np.minimum(counts, _MANY - 1), return_inverse=True)
    words = [_bought(count=int(pair % _MANY), day=int(pair // _MANY)) for pair in pairs]
    return np.array(words, dtype=object)[index]


def _bought(*, count: int, day: int) -> str:
    date = datetime(1970, 1, 1) + timedelta(days=day)
    on = f"{date.day} {date:%B %Y}"
    return f"you bought it on {on}" if count == 1 else f"you bought it {count} times, last on {on}"


def _table(
    built: Interactions,
    name: str,
    ranked: ranking.Ranking,
    people: NDArray[np.str_],
    reason: NDArray[np.object_],
) -> pa.Table:
    return pa.table(
        {
            "person_id": pa.array(people.astype(object), pa.string()),
            "list": pa.repeat(name, len(people)),
            "rank": ranked.rank,
            "product_id": pa.array(built.products[ranked.product].astype(object), pa.string()),
            "score": ranked.score,
            "reason": pa.array(reason, pa.string()),
        },
        schema=SCHEMA,
    )


def _catalogue(products: pa.Table, wanted: NDArray[np.str_]) -> _Catalogue:
    """A left join of the wanted ids to the products table."""
    row = pa.compute.index_in(
        pa.array(wanted.astype(object), pa.string()),
        value_set=products["product_id"].cast(pa.string()).combine_chunks(),
    )
    found = products.select(["name", "category", "is_available", "is_consumable"]).take(row)
    category = found["category"].cast(pa.string()).combine_chunks().dictionary_encode().indices
    return _Catalogue(
        name=found["name"].cast(pa.string()).fill_null("it").to_numpy(),
        category=category.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False),
        is_available=found["is_available"].cast(pa.bool_()).fill_null(False).to_numpy(),
        is_consumable=found["is_consumable"].cast(pa.bool_()).fill_null(True).to_numpy(),
    )

"""Two lists for each person: products to discover, and products to buy again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml import buy_again, catalogue, discover, histories, interactions, popularity, ranking, reasons
from ml.catalogue import Catalogue
from ml.histories import Histories
from ml.interactions import Acts
from ml.popularity import Popularity

SCHEMA = pa.schema(
    [
        ("person_id", pa.string()),
        ("list", pa.string()),
        ("rank", pa.int64()),
        ("product_id", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("method", pa.string()),
    ]
)

LIST_LENGTH = 10
MAX_PER_CATEGORY = 3
# People whose acts are read and whose lists are written at a time.
PEOPLE_A_BLOCK = 20_000
# Blocks scored at once: the work is numpy's and scipy's, which leave the interpreter to others meanwhile.
THREADS = 2

Strings = NDArray[np.str_]


@dataclass(frozen=True)
class Recommender:
    """All that a person's lists need beside their own acts; its size depends on the products, not on the people."""

    products: Strings  # sorted
    moment: int  # as_of, in microseconds since 1970
    popularity: Popularity
    cities: Strings
    city_shares: NDArray[np.float32]  # (cities, products)
    discoverer: discover.Discoverer
    trees: HistGradientBoostingClassifier | None
    discover_method: str  # learned, rules or popularity
    buy_again_method: str  # learned or rules
    note: str  # what the data was too thin for; empty where it was not


def recommend(
    model: Recommender, products: pa.Table, acts: pa.Table, *, as_of: datetime | None = None, length: int = LIST_LENGTH
) -> pa.Table:
    """At most `length` products a person and list, as SCHEMA, sorted by person, list and rank.

    `acts` has what interactions.read takes, in any order, `products` what catalogue.of does. Everyone in `acts`
    gets both lists, where there is something to put on them: a row without a product stands for a person without
    an act, who gets what is popular in their city, or everywhere. 'discover' has nothing the person ever bought and
    at most three products of a category; 'buy_again' has nothing that is not consumable, or not due. Only available
    products are on either. Scores compare within a list of one person, not between lists. `as_of` is the model's
    unless given: what a person did since the model was fitted counts when it is later.
    """
    known = catalogue.of(products, model.products)
    return recommend_for(model, known, acts, as_of=as_of, length=length)


def recommend_for(
    model: Recommender, known: Catalogue, acts: pa.Table, *, as_of: datetime | None = None, length: int = LIST_LENGTH
) -> pa.Table:
    """The same with a catalogue that is kept: for one person's latest acts while they wait."""
    moment = model.moment if as_of is None else interactions.microseconds(as_of)
    return lists(model, known, interactions.read(acts), moment, length)


def recommend_blocks(
    model: Recommender,
    products: pa.Table,
    acts: Iterable[pa.RecordBatch],
    *,
    length: int = LIST_LENGTH,
    people_a_block: int = PEOPLE_A_BLOCK,
) -> Iterator[pa.RecordBatch]:
    """The same for any number of people in the memory of some: `acts` must come sorted by person_id."""
    known = catalogue.of(products, model.products)
    for block in people_blocks(acts, people_a_block):
        yield from lists(model, known, interactions.read(block), model.moment, length).to_batches()


def people_blocks(batches: Iterable[pa.RecordBatch], people: int) -> Iterator[pa.Table]:
    """The rows of some people at a time, all of each; `batches` must come sorted by person_id."""
    waiting: list[pa.RecordBatch] = []
    count, last = 0, None
    for batch in batches:
        if not batch.num_rows:
            continue
        ids = batch["person_id"].cast(pa.string())
        is_new = np.ones(len(ids), dtype=np.bool_)
        is_new[1:] = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
        is_new[0] = ids[0].as_py() != last
        count += int(is_new.sum())
        last = ids[-1].as_py()
        waiting.append(batch)
        if count > people:  # up to where the last person begins, who may go on in the next batch
            begin = int(np.flatnonzero(is_new)[-1]) if is_new.any() else 0
            yield pa.Table.from_batches([*waiting[:-1], batch.slice(0, begin)])
            waiting, count = [batch.slice(begin)], 1
    if waiting:
        yield pa.Table.from_batches(waiting)


def lists(model: Recommender, known: Catalogue, acts: Acts, moment: int, length: int) -> pa.Table:
    """The lists of everyone in `acts` at `moment`, in microseconds since 1970."""
    if not len(model.products):
        return SCHEMA.empty_table()
    column = interactions.position(model.products, acts.products)
    every = histories.build(acts, column, moment, len(model.products))
    city = interactions.position(model.cities, acts.cities)[acts.city] if len(acts.cities) else acts.city
    city = np.where(acts.city >= 0, city, -1)

    def some(start: int) -> pa.Table:
        part = np.arange(start, min(start + discover.BLOCK, every.people_count))
        rows, people = every.of(part), acts.people[part]
        again = _buy_again_table(model, known, rows, people, moment, length)
        new = _discover_table(model, known, rows, people, city[part], length)
        return pa.concat_tables([again, new]).sort_by([(name, "ascending") for name in ("person_id", "list", "rank")])

    starts = range(0, every.people_count, discover.BLOCK)
    with ThreadPoolExecutor(min(THREADS, max(len(starts), 1))) as threads:
        tables = list(threads.map(some, starts))
    return pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks()


def _discover_table(
    model: Recommender, known: Catalogue, rows: Histories, people: Strings, city: NDArray[np.int32], length: int
) -> pa.Table:
    shares = np.vstack([model.city_shares, popularity.share(model.popularity).astype(np.float32)])
    prior = shares[city]  # -1, no city of its own, is everywhere
    raw, found = discover.rank(
        model.discoverer, rows, model.popularity, known.is_available, prior, depth=discover.CANDIDATES
    )
    ranked = ranking.cap_groups(raw, known.category, limit=MAX_PER_CATEGORY, depth=length)
    names = np.array([*model.cities, None], dtype=object)[city]
    words = reasons.discovered(model.discoverer, rows, known, ranked, found, names)
    return _table(model, "discover", ranked, people, words, model.discover_method)


def _buy_again_table(
    model: Recommender, known: Catalogue, every: Histories, people: Strings, moment: int, length: int
) -> pa.Table:
    allowed = known.is_available & known.is_consumable
    ranked = buy_again.rank(every, model.popularity, model.trees, model.discoverer, allowed, depth=length)
    return _table(model, "buy_again", ranked, people, reasons.buy_again(every, ranked, moment), model.buy_again_method)


def _table(
    model: Recommender, name: str, ranked: ranking.Ranking, people: Strings, words: reasons.Words, method: str
) -> pa.Table:
    count = len(ranked.product)

    def text(ids: Strings, index: NDArray[np.int64]) -> pa.Array:
        return pa.array(ids.astype(object), pa.string()).take(pa.array(index))

    return pa.table(
        {
            "person_id": text(people, ranked.person),
            "list": pa.repeat(name, count),
            "rank": ranked.rank,
            "product_id": text(model.products, ranked.product),
            "score": ranked.score,
            "reason": pa.array(words, pa.string()),
            "method": pa.repeat(method, count),
        },
        schema=SCHEMA,
    )

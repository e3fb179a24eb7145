"""Purchases as matrices: people by products, both in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Strings = NDArray[np.str_]

MICROSECONDS_A_DAY = 86_400_000_000
TREND_DAYS = 56


@dataclass(frozen=True)
class Interactions:
    """What each person bought before a moment, among the products that most people bought.

    `counts`, `decayed` and `last_bought` share one sparsity pattern, shape (people, products). A purchase is
    one moment at which a person bought a product, on however many lines. Ids are sorted, so that the index
    of a product breaks ties by its id.
    """

    people: Strings
    products: Strings
    counts: sparse.csr_array  # purchases
    decayed: sparse.csr_array  # purchases, each halved every half-life
    last_bought: sparse.csr_array  # days before as_of, more than zero
    as_of_us: int  # microseconds since 1970, UTC
    buyers: Floats  # people who bought each product
    trend: Floats  # buyers in the last 56 days over what their share of all time predicts, about 1

    @property
    def bought(self) -> sparse.csr_array:
        """1.0 where a person ever bought a product."""
        ones = np.ones(len(self.counts.data))
        return sparse.csr_array((ones, self.counts.indices, self.counts.indptr), shape=self.counts.shape)


def build(
    interactions: pa.Table,
    *,
    as_of: datetime,
    half_life_days: float = 120.0,
    max_products: int = 10_000,
) -> Interactions:
    """The purchases strictly before `as_of` (UTC), of the `max_products` products bought by most people.

    `interactions` has person_id, product_id, purchased_at and quantity, a row per order line; lines with
    quantity zero or less are no purchases. Empty input gives empty matrices.
    """
    days_ago, people_code, products_code, people, products = _purchases(interactions, as_of)
    pairs, pair_of = np.unique(people_code * len(products) + products_code, return_inverse=True)
    rows, columns = np.divmod(pairs, max(len(products), 1))
    buyers = np.bincount(columns, minlength=len(products)).astype(float)

    kept = np.sort(np.argsort(-buyers, kind="stable")[:max_products])
    position = np.full(len(products), -1)
    position[kept] = np.arange(len(kept))
    is_kept = position[columns] >= 0

    counts = np.bincount(pair_of, minlength=len(pairs)).astype(float)
    decayed = np.bincount(pair_of, weights=0.5 ** (days_ago / half_life_days), minlength=len(pairs))
    last_bought = np.full(len(pairs), np.inf)
    np.minimum.at(last_bought, pair_of, days_ago)

    index = (rows[is_kept], position[columns[is_kept]])
    shape = (len(people), len(kept))

    def matrix(values: NDArray[Any]) -> sparse.csr_array:
        return sparse.csr_array((values[is_kept], index), shape=shape)

    recent = np.bincount(columns[last_bought <= TREND_DAYS], minlength=len(products))
    span_days = max(float(days_ago.max(initial=0.0)), TREND_DAYS)
    trend = (recent + 3) / (buyers * TREND_DAYS / span_days + 3)
    return Interactions(
        people=people,
        products=products[kept],
        counts=matrix(counts),
        decayed=matrix(decayed),
        last_bought=matrix(last_bought),
        as_of_us=_microseconds(as_of),
        buyers=buyers[kept],
        trend=trend[kept],
    )


def _purchases(table: pa.Table, as_of: datetime) -> tuple[Floats, Ints, Ints, Strings, Strings]:
    moment = table["purchased_at"].cast(pa.timestamp("us"), safe=False)
    quantity = table["quantity"].cast(pa.float64())
    cutoff = _microseconds(as_of)
    is_purchase = pc.and_(pc.less(moment.cast(pa.int64()), cutoff), pc.greater(quantity, 0))
    lines = pa.table({"person": table["person_id"], "product": table["product_id"], "moment": moment.cast(pa.int64())})
    lines = lines.filter(is_purchase).drop_null()
    people_code, people = _encode(lines["person"])
    products_code, products = _encode(lines["product"])
    order = np.lexsort((lines["moment"].to_numpy(), products_code, people_code))
    keys = np.column_stack([people_code, products_code, lines["moment"].to_numpy()])[order]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    keys = keys[is_new]
    return (cutoff - keys[:, 2]) / MICROSECONDS_A_DAY, keys[:, 0], keys[:, 1], people, products


def _encode(column: pa.ChunkedArray) -> tuple[Ints, Strings]:
    """Codes into the sorted distinct values."""
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_numpy(zero_copy_only=False).astype(str)
    order = np.argsort(values)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], values[order]


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

"""Who bought or looked at what, and when: rows of text become sorted arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.errors import FeatureError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]
Strings = NDArray[np.str_]

MICROSECONDS_A_DAY = 86_400_000_000
REQUIRED = ("person_id", "product_id", "happened_at", "quantity")


@dataclass(frozen=True)
class Acts:
    """Distinct purchases and views, sorted by person, product and moment.

    `people`, `products` and `cities` are sorted ids, so that an index breaks ties by its id; the parallel arrays
    `person`, `product`, `moment` (microseconds since 1970, UTC) and `is_view` have one entry an act. `people` has
    everyone in the rows, also those without an act; `city` is an index into `cities` for each of them, -1 where
    none is known.
    """

    people: Strings
    products: Strings
    cities: Strings
    city: Codes
    person: Codes
    product: Codes
    moment: Ints
    is_view: Bools

    def before(self, moment: int) -> Acts:
        """The acts strictly before a moment, of the same people."""
        return self._where(self.moment < moment)

    def of_people(self, chosen: Bools) -> Acts:
        """The acts of some people, of whom everybody else stays without one."""
        return self._where(chosen[self.person])

    def _where(self, kept: Bools) -> Acts:
        return Acts(
            self.people,
            self.products,
            self.cities,
            self.city,
            self.person[kept],
            self.product[kept],
            self.moment[kept],
            self.is_view[kept],
        )


def read(rows: pa.Table | pa.RecordBatchReader | Iterable[pa.RecordBatch]) -> Acts:
    """The acts of a table, or of a stream of batches of which only numbers are kept: 17 bytes a row.

    `rows` has person_id, product_id, happened_at (UTC) and quantity; is_view and city may be absent. A row without
    a product, a moment or a quantity above zero is no act: it only says that the person exists. Acts of one
    person with one product at one moment are one, on however many rows. Raises FeatureError for a missing column.
    """
    batches = rows.to_batches() if isinstance(rows, pa.Table) else rows
    parts = [_narrow(batch) for batch in batches]
    columns = [[part[place] for part in parts] for place in range(5)]
    person, people = _encode(columns[0])
    product, products = _encode(columns[1])
    city, cities = _encode(columns[2])
    moment = np.concatenate([*columns[3], np.empty(0, np.int64)])
    is_view = np.concatenate([*columns[4], np.empty(0, np.bool_)])

    home = np.full(len(people), -1, np.int32)
    is_told = (person >= 0) & (city >= 0)
    home[person[is_told]] = city[is_told]

    kept = (person >= 0) & (product >= 0) & (moment != _NEVER)
    person, product, moment, is_view = person[kept], product[kept], moment[kept], is_view[kept]
    pair = person.astype(np.int64) * max(len(products), 1) + product
    order = np.lexsort((is_view, moment, pair))
    pair, moment, is_view = pair[order], moment[order], is_view[order]
    is_new = np.ones(len(pair), np.bool_)
    is_new[1:] = (pair[1:] != pair[:-1]) | (moment[1:] != moment[:-1]) | (is_view[1:] != is_view[:-1])
    order = order[is_new]
    return Acts(people, products, cities, home, person[order], product[order], moment[is_new], is_view[is_new])


def microseconds(moment: datetime) -> int:
    """Since 1970; a moment without a zone is in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def position(ids: Strings, wanted: Strings) -> Codes:
    """Where each of `wanted` stands in the sorted `ids`, -1 where it does not."""
    if not len(ids):
        return np.full(len(wanted), -1, np.int32)
    place = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[place] == wanted, place, -1).astype(np.int32)


_NEVER = np.iinfo(np.int64).min
_Narrow = tuple[pa.DictionaryArray, pa.DictionaryArray, pa.DictionaryArray, Ints, Bools]


def _narrow(batch: pa.RecordBatch) -> _Narrow:
    missing = [name for name in REQUIRED if name not in batch.schema.names]
    if missing:
        raise FeatureError(f"Acts lack the column {missing[0]}: they need {', '.join(REQUIRED)}.")
    count = batch.num_rows
    moment = batch["happened_at"].cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(_NEVER)
    is_act = pc.fill_null(pc.greater(batch["quantity"].cast(pa.float64()), 0), False).to_numpy(zero_copy_only=False)
    view = batch["is_view"] if "is_view" in batch.schema.names else pa.array([False] * count)
    city = batch["city"] if "city" in batch.schema.names else pa.nulls(count, pa.string())
    return (
        batch["person_id"].cast(pa.string()).dictionary_encode(),
        batch["product_id"].cast(pa.string()).dictionary_encode(),
        city.cast(pa.string()).dictionary_encode(),
        np.where(is_act, moment.to_numpy(), _NEVER),
        view.cast(pa.bool_()).fill_null(False).to_numpy(zero_copy_only=False),
    )


def _encode(parts: list[pa.DictionaryArray]) -> tuple[Codes, Strings]:
    """Codes into the sorted distinct values, -1 for null."""
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.str_)
    unified = pa.chunked_array(parts).unify_dictionaries()
    values = unified.chunk(0).dictionary.to_numpy(zero_copy_only=False).astype(np.str_)
    order = np.argsort(values)
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order))
    rank[-1] = -1  # where the index is null
    codes = [rank[chunk.indices.fill_null(-1).to_numpy()] for chunk in unified.chunks]
    return np.concatenate(codes), values[order]

"""The products table in the order of a model's products: names, categories, and what may be recommended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.errors import FeatureError

REQUIRED = ("product_id", "name", "category", "is_available", "is_consumable")


@dataclass(frozen=True)
class Catalogue:
    """Arrays of shape (products,); a product that the table does not have is unavailable."""

    name: NDArray[np.object_]
    category: NDArray[np.int64]  # -1 where unknown
    categories: NDArray[np.object_]  # their names
    is_available: NDArray[np.bool_]
    is_consumable: NDArray[np.bool_]  # unknown counts as consumable


def of(products: pa.Table, wanted: NDArray[np.str_]) -> Catalogue:
    """A left join of the wanted ids to `products`: product_id, name, category, is_available, is_consumable.

    The first row of a product counts. Raises FeatureError for a missing column.
    """
    missing = [name for name in REQUIRED if name not in products.column_names]
    if missing:
        raise FeatureError(f"Products lack the column {missing[0]}: they need {', '.join(REQUIRED)}.")
    row = pc.index_in(
        pa.array(wanted.astype(object), pa.string()),
        value_set=products["product_id"].cast(pa.string()).combine_chunks(),
    )
    found = products.select(REQUIRED[1:]).take(row)
    words = found["category"].cast(pa.string()).combine_chunks().dictionary_encode()
    return Catalogue(
        name=found["name"].cast(pa.string()).fill_null("it").to_numpy(),
        category=words.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False),
        categories=words.dictionary.to_numpy(zero_copy_only=False),
        is_available=found["is_available"].cast(pa.bool_()).fill_null(False).to_numpy(),
        is_consumable=found["is_consumable"].cast(pa.bool_()).fill_null(True).to_numpy(),
    )

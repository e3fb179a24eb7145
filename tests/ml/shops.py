"""Small shops for the recommenders' tests: acts, products, and people with tastes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from ml import ranking_evaluation, recommend_fit

AS_OF = datetime(2024, 6, 1)
Act = tuple[str, str | None, float]  # person, product, days before AS_OF
SHOP = ["coffee", "honey", "milk", "soap", "tea"]

# Tea goes with honey, coffee with milk; ann and ben still lack the other half. Soap is everybody's.
TASTES: list[Act] = [
    *[(f"t{i:02d}", product, 10.0 + i / 10) for i in range(40) for product in ("tea", "honey", "soap")],
    *[(f"c{i:02d}", product, 10.0 + i / 10) for i in range(40) for product in ("coffee", "milk", "soap")],
    ("ann", "tea", 5.0),
    ("ben", "coffee", 5.0),
]


def acts(rows: Iterable[Act], *, quantity: float = 1.0, views: Iterable[Act] = (), city: str | None = None) -> pa.Table:
    """Purchases and views as the recommenders read them; an act without a product is a person without one."""
    bought, seen = list(rows), list(views)
    every = [*bought, *seen]
    return pa.table(
        {
            "person_id": pa.array([r[0] for r in every], pa.string()),
            "city": pa.array([city] * len(every), pa.string()),
            "product_id": pa.array([r[1] for r in every], pa.string()),
            "happened_at": pa.array([AS_OF - timedelta(days=r[2]) for r in every], pa.timestamp("us")),
            "quantity": pa.array([quantity] * len(bought) + [1.0] * len(seen), pa.float64()),
            "is_view": [False] * len(bought) + [True] * len(seen),
        }
    )


def products(ids: list[str], *, category: str | None = None, unavailable: str = "", durable: str = "") -> pa.Table:
    """A product for each id, in a category of its own unless one is given for all."""
    return pa.table(
        {
            "product_id": pa.array(ids, pa.string()),
            "name": pa.array([f"Product {i}" for i in ids], pa.string()),
            "category": pa.array([category or i for i in ids], pa.string()),
            "is_available": pa.array([i != unavailable for i in ids], pa.bool_()),
            "is_consumable": pa.array([False if i == durable else None for i in ids], pa.bool_()),
        }
    )


def lists(table: pa.Table, name: str) -> dict[str, list[str]]:
    """The products of each person's list, best first."""
    found: dict[str, list[str]] = {}
    for row in table.to_pylist():
        if row["list"] == name:
            found.setdefault(row["person_id"], []).append(row["product_id"])
    return found


def many_people(people: int = 200, kinds: int = 4, days: int = 200) -> pa.Table:
    """Shoppers of some kinds, who buy thirty products of their kind again and again: enough to learn from."""
    rng = np.random.default_rng(1)
    rows = [
        (f"p{person:03d}", f"i{person % kinds}{rng.integers(0, 30):02d}", float(day + rng.random()))
        for person in range(people)
        for day in range(0, days, 9)
    ]
    return acts(rows)


def many_products(kinds: int = 4) -> pa.Table:
    """The catalogue of `many_people`."""
    return products([f"i{kind}{n:02d}" for kind in range(kinds) for n in range(30)])


def measured(
    rows: pa.Table, shop: pa.Table, *, cutoff: datetime, until: datetime, version: str = "v1", depth: int = 10
) -> pa.Table:
    """The evaluation of what is fitted before the cutoff, on what came between it and `until`."""
    model = recommend_fit.fit(rows, shop, as_of=cutoff)
    return ranking_evaluation.evaluate_recommendations(model, rows, shop, until=until, version=version, depth=depth)

"""Recommendations alone: `python -m tests.bench.recommending PEOPLE` prints what fitting and listing took.

For each person there are 20 purchases over a year, of 10,000 products: some that many buy, some of the person's kind,
and a third bought again. They are written to a warehouse, and read from it and listed into it as the job does.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ml import interactions, recommend, recommend_fit
from orchestration.warehouse import Warehouse

SIZES = (250_000, 1_000_000)
PRODUCTS = 10_000
PURCHASES_A_PERSON = 20
LENGTH = 20
AS_OF = datetime(2024, 1, 1)

# The kind of a person is one of 50, and of their products one in two is of that kind: hash() draws evenly.
_ACTS = """
    create table acts as
    select
        printf('p%07d', person) as person_id,
        ['Bonn', 'Ghent', 'Leeds', 'Lyon', 'Porto'][1 + person % 5] as city,
        printf('i%05d', product) as product_id,
        timestamp '2023-01-01' + to_seconds(cast(hash(person, act, 1) % 31536000 as bigint)) as happened_at,
        act % 10 = 9 as is_view,
        1.0 as quantity
    from (
        select
            *,
            -- Every third act repeats the one before it.
            case when act % 3 = 2 then act - 1 else act end as drawn,
            (hash(person, drawn, 2) % 1000000) / 1e6 as chance,
            cast(floor(chance * chance * chance * {products}) as int) as popular,
            case
                when hash(person, drawn, 3) % 2 = 0 then popular
                else popular // 50 * 50 + person % 50
            end as product
        from range({people}) as people (person), range({acts}) as acts (act)
    )
"""
_SORTED = "select * from acts order by person_id, product_id, happened_at"


def measured(people: int) -> dict[str, Any]:
    """Seconds and peak memory of both steps, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        facts: dict[str, Any] = {"people": people}
        for step in ("made", "fitted", "listed"):
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.recommending", str(people), folder, step],
                check=True,
                capture_output=True,
                text=True,
            )
            facts |= json.loads(done.stdout)
        facts["model_mib"] = round((path / "model.skops").stat().st_size / 2**20, 1)
    return facts


def told(facts: dict[str, Any]) -> str:
    """One line of the bench."""
    return (
        f"{'recommending to ' + format(facts['people'], ',') + ' people':<32} "
        f"fit {facts['fitted_seconds']:.1f} s, {facts['fitted_gib']:.2f} GiB; "
        f"{facts['rows']:,} rows of lists {facts['listed_seconds']:.1f} s, {facts['listed_gib']:.2f} GiB; "
        f"model {facts['model_mib']} MiB; one person {facts['one_person_milliseconds']:.1f} ms"
    )


def _step(people: int, folder: Path, step: str) -> dict[str, Any]:
    from skops.io import dump, load

    from ml.store import TRUSTED_TYPES

    warehouse = Warehouse(folder / "warehouse.duckdb")
    model_path = folder / "model.skops"
    products = _products()
    if step == "made":
        with warehouse.transaction() as connection:
            connection.execute(_ACTS.format(people=people, acts=PURCHASES_A_PERSON, products=PRODUCTS))
        return {}
    started = time.perf_counter()
    facts: dict[str, Any] = {}
    if step == "fitted":
        with warehouse.read(_SORTED) as batches:
            acts = interactions.read(batches)
        dump(recommend_fit.fit(acts, products, as_of=AS_OF), model_path)
    else:
        model = load(model_path, trusted=list(TRUSTED_TYPES))
        started = time.perf_counter()
        facts["rows"] = warehouse.derive(
            "main.lists",
            _SORTED,
            lambda batches: pa.RecordBatchReader.from_batches(
                recommend.SCHEMA, recommend.recommend_blocks(model, products, batches, length=LENGTH)
            ),
        )
    facts[f"{step}_seconds"] = round(time.perf_counter() - started, 1)
    facts[f"{step}_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    if step == "listed":
        facts["one_person_milliseconds"] = _one_person(model, products, warehouse)
    return facts


def _one_person(model: recommend.Recommender, products: pa.Table, warehouse: Warehouse) -> float:
    known = recommend.catalogue.of(products, model.products)
    acts = warehouse.table("select * from acts where person_id = 'p0000007'")
    recommend.recommend_for(model, known, acts)
    started = time.perf_counter()
    for _ in range(20):
        recommend.recommend_for(model, known, acts)
    return round((time.perf_counter() - started) * 50, 1)


def _products() -> pa.Table:
    ids = [f"i{n:05d}" for n in range(PRODUCTS)]
    return pa.table(
        {
            "product_id": ids,
            "name": [f"Product {n}" for n in range(PRODUCTS)],
            "category": [f"Category {n % 200}" for n in range(PRODUCTS)],
            "is_available": [n % 20 != 0 for n in range(PRODUCTS)],
            "is_consumable": [n % 10 != 0 for n in range(PRODUCTS)],
        }
    )


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(measured(int(sys.argv[1]))))
    else:
        print(json.dumps(_step(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))

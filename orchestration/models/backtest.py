"""Churn's examples at a past instant, by the very SQL that makes today's, without touching the home's tables.

dbt compiles the models of the examples for another `as_of`; what it writes is run into temporary tables, which end with
the connection. People and products are those that the last build knows: identities are not turned back.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from ml import backtesting
from orchestration import dbt
from orchestration.errors import SincerelyError
from orchestration.settings import Settings
from orchestration.training import CHURN_EXAMPLES, churn_definition
from orchestration.warehouse import Warehouse

_LAST = "churn_examples"
_READS = ("core.orders", "core.activity", "core.identity_map", "ml.churn_cutoffs")


def cutoffs(first: datetime, last: datetime, every: timedelta) -> list[datetime]:
    """From the first instant to the last, both among them when the steps reach it."""
    if every < timedelta(days=1):
        raise SincerelyError("--every is less than a day; write it like 30d.")
    if last < first:
        raise SincerelyError("--to lies before --from; exchange them.")
    return [first + step * every for step in range((last - first) // every + 1)]


def backtest(settings: Settings, cutoff: datetime) -> pa.Table:
    """One row of ml.backtesting.SCHEMA. Raises SincerelyError where the horizon is not over, or nothing is built."""
    _, horizon_days = churn_definition()
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    if not settings.warehouse.exists() or not all(warehouse.exists(table) for table in _READS):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    ends, known_until = cutoff + timedelta(days=horizon_days), _known_until(warehouse)
    if known_until is not None and ends.replace(tzinfo=None) > known_until:
        raise SincerelyError(
            f"What followed {cutoff:%Y-%m-%d} is known {horizon_days} days later, on {ends:%Y-%m-%d}, and the home "
            f"knows the time up to {known_until:%Y-%m-%d}; choose an earlier --to."
        )
    return backtesting.backtest_churn(examples(settings, warehouse, cutoff), cutoff=cutoff, horizon_days=horizon_days)


def examples(settings: Settings, warehouse: Warehouse, cutoff: datetime) -> pa.Table:
    """Training and test rows as of the end of the cutoff's horizon, as training.CHURN_EXAMPLES reads them."""
    models = _compiled(settings, warehouse, cutoff)
    with warehouse.transaction() as connection:
        for name, sql in models:
            for other, _ in models:
                sql = sql.replace(_relation(settings, other), f'temp."{other}"')
            connection.execute(f'create temp table "{name}" as {sql}')
        return connection.sql(CHURN_EXAMPLES.replace(f"ml.{_LAST}", f'temp."{_LAST}"')).to_arrow_table()


def _compiled(settings: Settings, warehouse: Warehouse, cutoff: datetime) -> list[tuple[str, str]]:
    """Name and SQL of each model of the examples, what others read first."""
    manifest = json.loads(dbt.manifest(settings).read_text(encoding="utf-8"))
    order = _upstream(manifest, f"model.sincerely.{_LAST}")
    names = [manifest["nodes"][unique_id]["name"] for unique_id in order]
    target = settings.home / "dbt" / "backtest"
    as_of = cutoff + timedelta(days=churn_definition()[1])
    instant = cutoff.strftime("%Y-%m-%d %H:%M:%S.%f")
    with warehouse.held():
        done = subprocess.run(
            [
                dbt.executable(), "compile", "--select", *names, "--project-dir", str(dbt.DBT_PROJECT),
                "--target-path", str(target), "--vars", dbt.variables(as_of, churn_backtest_cutoff=instant),
            ],
            env={**os.environ, **dbt.build_environment(settings)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise SincerelyError(f"The examples of {cutoff:%Y-%m-%d} do not compile: {done.stdout[-500:]}")
    folder = target / "compiled" / "sincerely"
    files = [folder / manifest["nodes"][unique_id]["original_file_path"] for unique_id in order]
    return [(name, file.read_text(encoding="utf-8")) for name, file in zip(names, files, strict=True)]


def _upstream(manifest: dict[str, Any], last: str) -> list[str]:
    """The model and those of churn that it comes from, in an order in which they can be built."""
    found: list[str] = []

    def visit(unique_id: str) -> None:
        node = manifest["nodes"].get(unique_id)
        if node is None or not node["name"].startswith("churn_") or unique_id in found:
            return
        for parent in manifest["parent_map"][unique_id]:
            visit(parent)
        found.append(unique_id)

    visit(last)
    return found


def _relation(settings: Settings, name: str) -> str:
    return f'"{settings.warehouse.stem}"."ml"."{name}"'


def _known_until(warehouse: Warehouse) -> datetime | None:
    """The as_of of the last build."""
    found = warehouse.rows("select max(cutoff) as as_of from ml.churn_cutoffs where split = 'score'")
    return found[0]["as_of"] if found else None


def backtests(settings: Settings, at: list[datetime]) -> Iterator[pa.Table]:
    """The row of each cutoff, as it is done."""
    for cutoff in at:
        yield backtest(settings, cutoff)

"""The model store as tables: every version with its figures, and every decision about one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ml import store
from ml.errors import ModelFileError
from orchestration.models import election
from orchestration.warehouse import Warehouse

_TIME = pa.timestamp("us")
DECISIONS = pa.schema(
    [
        ("model", pa.string()),
        ("version", pa.string()),
        ("champion_version", pa.string()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("scoring_version", pa.string()),
        ("metric", pa.string()),
        ("difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("decided_at", _TIME),
    ]
)
FIGURES = pa.schema(
    [
        ("model", pa.string()),
        ("version", pa.string()),
        ("part", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("value_low", pa.float64()),
        ("value_high", pa.float64()),
        ("baseline_value", pa.float64()),
        ("as_of", _TIME),
    ]
)


def decisions(folder: Path) -> pa.Table:
    """One row per model, version and instant of a decision."""
    rows = [
        {**asdict(each), "decided_at": _utc(each.decided_at)}
        for each in sorted(election.decisions(folder), key=lambda each: (each.model, each.decided_at, each.version))
    ]
    return pa.Table.from_pylist(rows, schema=DECISIONS)


def figures(folder: Path) -> pa.Table:
    """One row per model, version and metric on its own held-out time; `part` is the candidate. Unreadable ones lack."""
    return pa.Table.from_pylist(list(_figures(folder)), schema=FIGURES)


def _figures(folder: Path) -> Iterator[dict[str, Any]]:
    for name in store.models(folder):
        for version in store.versions(folder, name):
            try:
                described = store.load_metadata(folder, name, version)
            except ModelFileError:
                continue
            for part, metrics in sorted((described.get("metrics") or {}).items()):
                for metric, found in sorted(metrics.items()):
                    made_at = _utc(described["as_of"])
                    yield {"model": name, "version": version, "part": part, "metric": metric, "as_of": made_at, **found}


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def replace_rows(warehouse: Warehouse, table: str, rows: pa.Table, column: str, value: datetime) -> None:
    """Puts `rows` in the place of those of the table where `column` is `value`; the table is made if need be."""
    with warehouse.transaction() as connection:
        connection.register("batches", rows)
        connection.execute(f"create table if not exists {table} as select * from batches limit 0")
        connection.execute(f"delete from {table} where {column} = ?", [value.replace(tzinfo=None)])
        connection.execute(f"insert into {table} by name select * from batches")

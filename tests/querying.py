"""What a home's warehouse says, for tests that share the home with others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse import Warehouse


@contextmanager
def warehouse_of(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for reading, once whoever has it open is done with it."""
    warehouse = Warehouse(home / "warehouse.duckdb")
    with warehouse.held(), duckdb.connect(str(warehouse.path), read_only=True) as connection:
        yield connection


def rows(home: Path, sql: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with warehouse_of(home) as connection:
        return connection.execute(sql, parameters or []).fetchall()

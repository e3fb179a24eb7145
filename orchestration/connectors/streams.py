"""What a connector reads: the plain data that `sources.toml` becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.landing.contract import Entity


@dataclass(frozen=True)
class Cursor:
    """The column by which only what is new is read.

    `lag` is how far behind the newest value each sync starts again: seconds for a time, days for a date, units for
    a number; None leaves the choice to the value's type. `is_ordered` promises that rows come in its order.
    """

    column: str
    initial: Any = None
    lag: float | None = None
    param: str = ""
    is_ordered: bool = False


@dataclass(frozen=True)
class SqlTable:
    """A table, view or query of a database; `url_env` names the variable that holds the database's URL."""

    url_env: str
    table: str = ""
    schema: str = ""
    query: str = ""

    @property
    def label(self) -> str:
        if self.query:
            return "a query"
        return f"table {self.schema}.{self.table}" if self.schema else f"table {self.table}"


@dataclass(frozen=True)
class RestResource:
    """A list that an HTTP API gives page by page; secrets of `auth` are names of variables (`*_env`)."""

    base_url: str
    path: str
    paginator: Mapping[str, Any]
    records: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 5
    timeout_seconds: float = 60.0

    @property
    def label(self) -> str:
        return f"resource {self.path}"


@dataclass(frozen=True)
class Stream:
    """One entity from one connector. Without a cursor each sync reads everything, and what vanished is deleted."""

    connector: str
    entity: Entity
    origin: SqlTable | RestResource
    columns: Mapping[str, str]
    cursor: Cursor | None
    allow_empty: bool = False
    part_rows: int = 100_000

    @property
    def label(self) -> str:
        return f"{self.connector} ({self.origin.label} for {self.entity.label})"

    @property
    def key(self) -> list[str]:
        """The stream's name in the asset graph."""
        return ["sources", self.connector, self.entity.table]

    def folder(self, home: Path) -> Path:
        """Where the stream keeps its state."""
        return home / "connectors" / self.connector / self.entity.table

    def landing(self, home: Path) -> Path:
        """Where its files are handed to the landing."""
        return home / "landing" / self.entity.source / self.entity.name / self.connector

"""A home with connectors, taken through a sync and a landing without the whole job around them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.connectors.settings import load_streams
from orchestration.connectors.sync import Sync, sync
from orchestration.landing import deletions, files
from orchestration.landing.contract import ENTITIES
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.conftest import SECRET

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ConnectedHome:
    """`path` is the home; `configure` writes its sources.toml."""

    path: Path

    @property
    def settings(self) -> Settings:
        return load_settings({"SINCERELY_HOME": str(self.path), "SINCERELY_SECRET": SECRET})

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.path / "warehouse.duckdb")

    def configure(self, text: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "sources.toml").write_text(text, encoding="utf-8")

    def sync(self) -> Sync:
        """Syncs the one stream that is configured."""
        (stream,) = load_streams(self.path)
        return sync(stream, self.settings)

    def land(self, as_of: datetime = AS_OF) -> list[str]:
        """Lands everything and records what vanished; returns what went wrong."""
        files.prepare(self.warehouse)
        problems = [
            load.error
            for entity in ENTITIES
            for load in files.land(self.warehouse, self.path / "landing", entity, datetime.now(UTC))
            if load.status == "failed"
        ]
        deletions.record(self.warehouse, self.settings, load_streams(self.path), as_of)
        return problems

    def taken(self) -> Sync:
        """A sync that must hold, and its landing."""
        done = self.sync()
        assert not done.problem, done.problem
        refused = self.land()
        assert not refused, refused
        return done

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.warehouse.rows(sql)

    def deletions(self) -> list[tuple[str, bool]]:
        found = self.rows("select key, is_deleted from raw.deletions order by snapshot_id, key")
        return [(row["key"], row["is_deleted"]) for row in found]

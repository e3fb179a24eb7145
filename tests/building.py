"""The part of the main job that a test needs: land what there is, and let dbt build some tables, without the rest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from orchestration import dbt
from orchestration.delivery.outbox import Outbox
from orchestration.landing import files
from orchestration.landing.contract import ENTITIES
from orchestration.landing.ledger import Load
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse

LANDED_AT = datetime(2026, 1, 1, tzinfo=UTC)
_NO_PREDICTIONS = (
    "create table if not exists ml.churn_predictions (person_id varchar, churn_probability double, risk_band varchar)"
)


def land(settings: Settings, landed_at: datetime = LANDED_AT) -> list[Load]:
    """Lands every new file of the home."""
    warehouse = Warehouse(settings.warehouse)
    files.prepare(warehouse)
    return [load for entity in ENTITIES for load in files.land(warehouse, settings.landing, entity, landed_at)]


def build(home: Path, as_of: datetime, tables: Iterable[str], *arguments: str) -> Settings:
    """Builds the tables and all that they come from, as of that instant; fails with dbt's own words."""
    settings = load_settings({"SINCERELY_HOME": str(home)})
    warehouse = Warehouse(settings.warehouse)
    files.land_outbox(warehouse, Outbox(settings.outbox_url), "raw.outbox_messages")
    with warehouse.transaction() as connection:
        connection.execute("create schema if not exists ml")
        connection.execute(_NO_PREDICTIONS)
    done = subprocess.run(
        [
            dbt.executable(), "build", "--select", *(f"+{table}" for table in tables), *arguments,
            "--exclude-resource-type", "unit_test", "--project-dir", str(dbt.DBT_PROJECT),
            "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(as_of),
        ],
        env={**os.environ, **dbt.build_environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return settings


def land_and_build(home: Path, as_of: datetime, tables: Iterable[str], landed_at: datetime = LANDED_AT) -> list[Load]:
    """Both; returns what became of each file."""
    loads = land(load_settings({"SINCERELY_HOME": str(home)}), landed_at)
    build(home, as_of, tables)
    return loads

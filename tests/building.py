"""The part of the main job that a test needs: land what there is, and let dbt build some tables, without the rest."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration import dbt, dbt_process
from orchestration.delivery import planner
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.pacing import pacing_table
from orchestration.journeys import linting as journeys
from orchestration.journeys.tables import journey_tables
from orchestration.landing import files
from orchestration.landing.contract import ENTITIES
from orchestration.landing.ledger import Load
from orchestration.segments.observing import observe
from orchestration.settings import CAMPAIGNS, Settings, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns

LANDED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def copy_project(to: Path) -> Path:
    """A copy of the dbt project to change, with what dbt keeps of its parse: only what changes is parsed anew."""
    shutil.copytree(dbt.DBT_PROJECT, to, ignore=shutil.ignore_patterns("target", "logs"))
    parsed = dbt.DBT_PROJECT / "target" / "partial_parse.msgpack"
    if parsed.exists():
        (to / "target").mkdir()
        shutil.copy(parsed, to / "target")
    return to


def land(settings: Settings, landed_at: datetime = LANDED_AT) -> list[Load]:
    """Lands every new file of the home."""
    warehouse = Warehouse(settings.warehouse)
    files.prepare(warehouse)
    return [load for entity in ENTITIES for load in files.land(warehouse, settings.landing, entity, landed_at)]


def build(home: Path, as_of: datetime, tables: Iterable[str], *, is_tested: bool = False, **variables: Any) -> Settings:
    """Builds the tables and all that they come from, as of that instant; fails with dbt's own words.

    With `is_tested` the data is tested too. `variables` are `known_at`, or vars that differ from dbt_project.yml's.
    """
    settings = load_settings({"SINCERELY_HOME": str(home)})
    warehouse = Warehouse(settings.warehouse)
    files.land_outbox(warehouse, Outbox(settings.outbox_url), "raw.outbox_messages")
    files.prepare(warehouse)
    selected = [f"+{table}" for table in tables]
    left_out = ["unit_test"] if is_tested else ["unit_test", "test"]
    flags = [flag for kind in left_out for flag in ("--exclude-resource-type", kind)]
    _dbt(settings, as_of, "build", "--select", *selected, *flags, **variables)
    return settings


def refresh(settings: Settings, as_of: datetime, *, is_partial: bool = False) -> None:
    """Builds every table, without testing the data, and notes what it found in the segments."""
    prepare(settings, as_of)
    _dbt(settings, as_of, "build", "--resource-type", "model", "--resource-type", "seed", is_partial=is_partial)
    observe(Warehouse(settings.warehouse), as_of)


def prepare(settings: Settings, as_of: datetime) -> None:
    """Puts beside what landed what Python puts there: it is empty, or as the project's files say."""
    warehouse, outbox = Warehouse(settings.warehouse, settings.memory_limit), Outbox(settings.outbox_url)
    files.prepare(warehouse)
    files.land_outbox(warehouse, outbox, "raw.outbox_messages")
    files.land_outbox(warehouse, outbox, "raw.outbox_handovers")
    warehouse.replace("raw.hash_keys", pa.table({"key": ["a key for tests"]}))
    campaigns = planner.campaign_tables(load_campaigns(CAMPAIGNS), as_of.replace(tzinfo=UTC))
    for name, table in zip(("campaigns", "campaign_variants"), campaigns, strict=True):
        warehouse.replace(f"raw.{name}", table)
    warehouse.replace("raw.campaign_pacing", pacing_table(load_campaigns(CAMPAIGNS)))
    for name, table in journey_tables(journeys.sound()[0]).items():
        warehouse.replace(f"raw.{name}", table)


def _dbt(settings: Settings, as_of: datetime, command: str, *arguments: str, **variables: Any) -> None:
    run_dbt(
        [
            command, *arguments, "--project-dir", str(dbt.DBT_PROJECT),
            "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(as_of, **variables),
        ],
        dbt.build_environment(settings),
    )  # fmt: skip


def run_dbt(arguments: list[str], environ: dict[str, str]) -> str:
    """dbt's own command line in this process, which has it loaded from the second time on; fails with its words."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(said):
        patched.setenv("SINCERELY_MANIFEST", "")
        for name, value in environ.items():
            patched.setenv(name, value)
        result = dbt_process.invoke(arguments)
    assert result.success, result.exception or said.getvalue()
    return said.getvalue()


def land_and_build(
    home: Path, as_of: datetime, tables: Iterable[str], landed_at: datetime = LANDED_AT, *, is_tested: bool = False
) -> list[Load]:
    """Both; returns what became of each file."""
    loads = land(load_settings({"SINCERELY_HOME": str(home)}), landed_at)
    build(home, as_of, tables, is_tested=is_tested)
    return loads


def dbt_test(home: Path, project: Path, model: str) -> int:
    """Runs the unit tests of one model of a project against a built home; returns how many passed."""
    settings = load_settings({"SINCERELY_HOME": str(home)})
    said = run_dbt(
        [
            "test", "--select", f"{model},test_type:unit", "--project-dir", str(project),
            "--target-path", str(home / "dbt" / "tests"), "--vars", dbt.variables(datetime(2017, 12, 31)),
        ],
        dbt.environment(settings),
    )  # fmt: skip
    return sum(" PASS " in line and "::" in line for line in said.splitlines())

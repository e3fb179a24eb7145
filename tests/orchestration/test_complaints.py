"""A campaign that too many people called spam sends nothing, and says so."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration import status
from orchestration.dbt import project_vars
from orchestration.delivery.complaints import paused_by_complaints, warned_of_complaints
from orchestration.gate import checks
from orchestration.gate.evaluating import held_by_table
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns

_REASON = "5 of 1000 who got it in the last 30 days complained: 0.50 %, more than 0.3 % (complaint_rate_limit)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    Warehouse(settings.warehouse).replace(
        "delivery.complaint_rates",
        pa.table(
            {
                "campaign": ["spring", "autumn", "winter"],
                "is_paused": [True, False, False],
                "is_warned": [True, True, False],
                "reason": [_REASON, "2 of 1000 …", None],
            }
        ),
    )
    return settings


def test_what_was_planned_for_a_campaign_with_too_many_complaints_is_held(settings: Settings) -> None:
    warehouse = Warehouse(settings.warehouse)
    assert paused_by_complaints(warehouse) == {"spring": _REASON}
    assert warned_of_complaints(warehouse) == {"autumn": "2 of 1000 …"}
    campaign = dataclasses.replace(load_campaigns()[0], name="spring")
    found = {
        (each.campaign, each.check, each.reason) for each in checks.findings(warehouse, [campaign], project_vars())
    }
    assert ("spring", "complaints", _REASON) in found


def test_the_status_names_the_campaign_and_the_rate(settings: Settings) -> None:
    assert status.collect(settings)["complaints"] == [f"spring is paused: {_REASON}", "autumn: 2 of 1000 …"]


def test_a_home_that_was_never_built_holds_nothing(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    assert held_by_table(warehouse) == frozenset()
    assert list(checks.findings(warehouse, load_campaigns(), project_vars())) == []

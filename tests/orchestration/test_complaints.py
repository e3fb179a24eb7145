"""A campaign that too many people called spam sends nothing, and says so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration import status
from orchestration.delivery.complaints import paused_by_complaints, warned_of_complaints
from orchestration.delivery.controls import Controls
from orchestration.gate.evaluating import evaluate, held, held_by_table
from orchestration.settings import CAMPAIGNS, Settings, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns

AS_OF = datetime(2018, 1, 1, tzinfo=UTC)
_REASON = "5 of 1000 who got it in the last 30 days complained: 0.50 %, more than 0.3 % (complaint_rate_limit)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    Warehouse(settings.warehouse).replace(
        "delivery.complaint_rates",
        pa.table(
            {
                "campaign": ["win_back", "loyalty_reward", "onboarding"],
                "is_paused": [True, False, False],
                "is_warned": [True, True, False],
                "reason": [_REASON, "2 of 1000 …", None],
            }
        ),
    )
    return settings


def test_what_was_planned_for_a_campaign_with_too_many_complaints_is_held(settings: Settings) -> None:
    warehouse = Warehouse(settings.warehouse)
    assert paused_by_complaints(warehouse) == {"win_back": _REASON}
    assert warned_of_complaints(warehouse) == {"loyalty_reward": "2 of 1000 …"}
    holds = evaluate(warehouse, Controls(settings.outbox_url), load_campaigns(CAMPAIGNS), AS_OF)
    assert held(holds) == held_by_table(warehouse) == {"win_back"}
    assert [hold.finding.reason for hold in holds] == [_REASON]


def test_the_status_names_the_campaign_and_the_rate(settings: Settings) -> None:
    assert status.collect(settings)["complaints"] == [f"win_back is paused: {_REASON}", "loyalty_reward: 2 of 1000 …"]


def test_a_home_that_was_never_built_holds_nothing(tmp_path: Path) -> None:
    assert held_by_table(Warehouse(tmp_path / "warehouse.duckdb")) == frozenset()

"""The assets that keep suppression lists alike with SendGrid, and the alert for a campaign that people call spam."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from orchestration.defs.complaints import complaint_alerts
from orchestration.defs.resources import Home
from orchestration.defs.suppressions import added_suppressions, received_suppressions
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.esp.suppression_api import API_KEY, SuppressionApi, suppression_api


@pytest.fixture
def api() -> Iterator[SuppressionApi]:
    with suppression_api() as server:
        server.fill("bounces", 3)
        yield server


@pytest.fixture
def settings(tmp_path: Path, api: SuppressionApi, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home that sends through SendGrid and suppresses one address."""
    environ = {
        "SINCERELY_HOME": str(tmp_path), "SINCERELY_ESP": "sendgrid", "SINCERELY_SENDGRID_API_KEY": API_KEY,
        "SINCERELY_SENDGRID_URL": api.url,
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    Warehouse(settings.warehouse).replace("core.suppressed_emails", pa.table({"email": ["ours@example.com"]}))
    return settings


def checks(asset: dg.AssetsDefinition, **home: str) -> list[tuple[str, bool, str, list[str]]]:
    """What an asset's checks came to: name, whether it passed, how bad it is, and its words."""
    result = dg.materialize([asset], resources={"home": Home(**home)})
    return [
        (each.check_name, each.passed, each.severity.value, [str(words.value) for words in each.metadata.values()])
        for each in result.get_asset_check_evaluations()
    ]


def test_both_sides_learn_what_the_other_knows(settings: Settings, api: SuppressionApi) -> None:
    assert checks(received_suppressions) == [("lists_are_alike", True, "ERROR", [])]
    assert len(list(settings.landing.glob("sendgrid/suppressions/*.jsonl.gz"))) == 1
    assert api.emails("unsubscribes") == []
    assert checks(added_suppressions) == [("lists_are_alike", True, "ERROR", [])]
    assert api.emails("unsubscribes") == ["ours@example.com"]


def test_a_wrong_key_fails_a_check_and_stops_no_run(
    settings: Settings, api: SuppressionApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCERELY_SENDGRID_API_KEY", "SG.wrong")
    ((_, passed, severity, words),) = checks(received_suppressions)
    assert (passed, severity) == (False, "ERROR")
    assert "SINCERELY_SENDGRID_API_KEY" in words[0] and words[0].endswith(".")


def test_nothing_is_asked_where_mail_leaves_by_another_way_or_the_run_looks_back(
    settings: Settings, api: SuppressionApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(added_suppressions, known_at="2018-01-01T00:00:00Z")
    monkeypatch.setenv("SINCERELY_ESP", "folder")
    checks(received_suppressions)
    checks(added_suppressions)
    assert api.requests == []


def test_too_many_complaints_fail_one_check_and_many_warn(settings: Settings) -> None:
    rates = {
        "campaign": ["spring", "autumn"], "is_paused": [True, False], "is_warned": [True, True],
        "reason": ["5 of 1000 complained", "2 of 1000 complained"],
    }  # fmt: skip
    Warehouse(settings.warehouse).replace("delivery.complaint_rates", pa.table(rates))
    assert sorted(checks(complaint_alerts)) == [
        ("complaints_below_limit", False, "ERROR", ["spring is paused: 5 of 1000 complained."]),
        ("complaints_below_warning", False, "WARN", ["autumn: 2 of 1000 complained."]),
    ]

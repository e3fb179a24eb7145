"""`sincerely model …` for people and programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml import champions, lifetime, store
from tests.conftest import Sincerely

DAY = datetime(2024, 6, 1, tzinfo=UTC)
FIGURES = {"lifetime": {"orders_mae": {"value": 1.25, "value_low": 1.0, "value_high": 1.5, "baseline_value": 2.5}}}


@pytest.fixture
def versions(tmp_path: Path) -> list[str]:
    """Two versions, the second in use."""
    found = []
    for day in (0, 1):
        model = lifetime.LifetimeModel(None, None, 1.0, day, "past rates")
        metadata = store.ModelMetadata("lifetime", DAY + timedelta(days=day), "abc", {"method": "past_rate"}, FIGURES)
        found.append(store.save(model, replace(metadata, features=("age_days",)), tmp_path / "models"))
        champions.promote(tmp_path / "models", "lifetime", found[-1], at=DAY, reason="newer data")
    return found


def test_every_version_is_listed_the_newest_first(sincerely: Sincerely, tmp_path: Path, versions: list[str]) -> None:
    listed = json.loads(sincerely(tmp_path, "model", "list", "--json").stdout)
    assert [(row["version"], row["is_champion"]) for row in listed] == [(versions[1], True), (versions[0], False)]
    printed = sincerely(tmp_path, "model", "list").stdout
    assert versions[0] in printed and "champion" in printed and "orders mae 1.250" in printed


def test_a_version_is_shown_with_what_made_it(sincerely: Sincerely, tmp_path: Path, versions: list[str]) -> None:
    shown = json.loads(sincerely(tmp_path, "model", "show", "lifetime", "--json").stdout)
    assert shown["version"] == versions[1]
    assert shown["metrics"] == FIGURES
    assert [move["reason"] for move in shown["history"]] == ["newer data", "newer data"]
    printed = sincerely(tmp_path, "model", "show", "lifetime", versions[0]).stdout
    assert "1.0000 to 1.5000" in printed and "age_days" in printed and "past_rate" in printed


def test_a_person_promotes_releases_and_rolls_back(sincerely: Sincerely, tmp_path: Path, versions: list[str]) -> None:
    def in_use() -> tuple[str, bool]:
        shown = json.loads(sincerely(tmp_path, "model", "show", "lifetime", "--json").stdout)
        return shown["version"], shown["is_pinned"]

    done = sincerely(tmp_path, "model", "promote", "lifetime", versions[0], "--reason", "As planned")
    assert done.returncode == 0 and "in use and pinned" in done.stdout
    assert in_use() == (versions[0], True)
    assert sincerely(tmp_path, "model", "release", "lifetime").returncode == 0
    assert in_use() == (versions[0], False)
    moved = json.loads(sincerely(tmp_path, "model", "rollback", "lifetime", "--json").stdout)
    assert (moved["version"], moved["action"]) == (versions[1], "rollback")


def test_a_damaged_file_is_refused_in_one_sentence(sincerely: Sincerely, tmp_path: Path, versions: list[str]) -> None:
    (tmp_path / "models" / "lifetime" / versions[0] / "model.skops").write_bytes(b"changed")
    for command in ("promote", "show"):
        done = sincerely(tmp_path, "model", command, "lifetime", versions[0])
        assert done.returncode == 1
        assert "is not the file that was saved" in done.stderr and "Traceback" not in done.stderr


def test_what_is_not_there_is_said(sincerely: Sincerely, tmp_path: Path) -> None:
    assert "`sincerely run` trains them" in sincerely(tmp_path, "model", "list").stdout
    for command in (("show", "churn"), ("rollback", "churn"), ("release", "churn"), ("promote", "churn", "2024-x")):
        done = sincerely(tmp_path, "model", *command)
        assert done.returncode == 1 and done.stderr.startswith("sincerely ") and len(done.stderr.splitlines()) == 1


def test_help_has_examples(sincerely: Sincerely, tmp_path: Path) -> None:
    for command in ("list", "show", "promote", "release", "rollback"):
        assert f"sincerely model {command}" in sincerely(tmp_path, "model", command, "--help").stdout

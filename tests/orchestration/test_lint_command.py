"""`sincerely lint` as it is typed: what is wrong, what everybody's message comes to, and the exit status."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from orchestration.cli import main
from orchestration.delivery import linting
from rendering.campaign import CAMPAIGNS, load_campaign
from tests.orchestration.planning_world import planning_world


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command in a home that holds a hundred people."""
    monkeypatch.setenv("SINCERELY_HOME", str(tmp_path))
    monkeypatch.setenv("SINCERELY_SECRET", "sixteen bytes or more")
    (tmp_path / "sincerely.toml").write_text('as_of = "2018-01-01T00:00:00Z"\n')
    planning_world(tmp_path / "warehouse.duckdb", "loyalty_reward", "2018-01", people=100)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["lint", *arguments], catch_exceptions=False)

    return run


def test_what_is_sound_is_said_so(lint) -> None:
    found = lint("loyalty_reward")

    assert (found.exit_code, found.output) == (0, "Campaigns, templates, rules and journeys are sound.\n")
    assert json.loads(lint("--json").output) == []


def test_everybody_s_message_is_made_told_and_recorded(lint, tmp_path: Path) -> None:
    found = lint("loyalty_reward", "--audience")
    facts = json.loads(lint("loyalty_reward", "--audience", "--json").output)["audience"][0]

    assert found.exit_code == 0
    assert "loyalty_reward 2018-01: 90 messages made, none written down" in found.output
    assert "44 without city, 48.9% (person-" in found.output
    assert "23 by local: new_york" in found.output
    assert "example.com" not in found.output and "Maria" not in found.output
    assert facts["messages"] == 90 and facts["held_by"] == []
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        assert connection.execute("select count(*) from raw.audience_checks").fetchall() == [(2,)]
    assert not (tmp_path / "outbox.sqlite").exists()


def test_nobody_s_message_is_made_before_anything_is_built(lint, tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").unlink()

    found = lint("loyalty_reward", "--audience")

    assert found.exit_code != 0
    assert "run `sincerely build` first" in found.output


def test_a_campaign_that_is_not_there_is_named(lint) -> None:
    assert "There is no campaign loyalty; there are" in lint("loyalty").output


def test_errors_are_found_again_only_when_a_file_has_changed(write_campaign) -> None:
    campaign = write_campaign()
    looked: list[str] = []
    real = linting.lint

    def counted(each, *rest):
        looked.append(each.name)
        return real(each, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linting, "lint", counted)
        first, again = linting.errors(campaign), linting.errors(campaign)
        template = campaign.folder / "message.mjml.j2"
        template.write_text(template.read_text().replace('{% include "footer" %}', ""))
        changed = linting.errors(campaign)

    assert first == again
    assert looked == [campaign.name, campaign.name]
    assert any("has no link to unsubscribe" in each for each in changed)


@pytest.fixture
def write_campaign(tmp_path: Path):
    """A copy of a shipped campaign that may be changed."""

    def copied():
        shutil.copytree(CAMPAIGNS / "onboarding", tmp_path / "onboarding")
        return load_campaign(tmp_path / "onboarding")

    return copied

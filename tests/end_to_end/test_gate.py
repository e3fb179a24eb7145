"""A campaign is held by a failed test, released by a person and by the data; paused, resumed, and asked about."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.building import copy_project
from tests.conftest import run_sincerely
from tests.querying import rows

CAMPAIGN = "loyalty_reward"
NEXT_DAY = "2018-01-01T12:00:00Z"
DAY_AFTER = "2018-01-02T12:00:00Z"
_FAILING = (
    "{{ config(meta={'dagster': {'ref': {'name': 'message_candidates'}}}) }}\n"
    "select message_id from {{ ref('message_candidates') }}\n"
)


def handed_over(home: Path, occurrence: str) -> int:
    return len(list(home.glob(f"outbox/{CAMPAIGN}/{occurrence}/*.eml")))


@pytest.fixture(scope="module")
def home(built: tuple[Path, subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the others, refreshed while a campaign was paused and a data test of the candidates failed."""
    folder = tmp_path_factory.mktemp("gate")
    home, project = folder / "home", folder / "dbt_project"
    shutil.copytree(built[0], home)
    copy_project(project)
    (project / "tests" / "candidates_are_sound.sql").write_text(_FAILING)
    assert run_sincerely(home, "pause", CAMPAIGN).returncode == 0
    done = run_sincerely(home, "refresh", "--as-of", NEXT_DAY, SINCERELY_DBT_PROJECT=str(project))
    assert done.returncode == 1
    return home


def test_everybody_whom_a_paused_campaign_would_write_to_has_a_reason(home: Path) -> None:
    assert handed_over(home, "2018-01") == 0
    reasons = dict(
        rows(
            home,
            f"select reason, count(*) from delivery.exclusions "
            f"where campaign = '{CAMPAIGN}' and occurrence = '2018-01' group by all",
        )
    )
    assert reasons["paused"] > 20
    ((email,),) = rows(
        home,
        "select min(email) from core.message_candidates where exclusion_reason = 'paused' and occurrence = '2018-01'",
    )
    why = run_sincerely(home, "why", str(email), CAMPAIGN).stdout
    assert "waits: it is paused. It expires on 2018-01-08 12:00 UTC." in why
    assert f"{CAMPAIGN}: paused by" in run_sincerely(home, "status").stdout


def test_a_failed_data_test_holds_what_is_sent_until_a_person_says_why_not(home: Path) -> None:
    held = run_sincerely(home, "send", "--campaign", CAMPAIGN, "--as-of", NEXT_DAY)
    assert held.returncode == 1
    assert "the data test candidates_are_sound of message_candidates fails" in held.stderr
    assert f"sincerely release {CAMPAIGN} data_tests --because" in held.stderr

    wrong = run_sincerely(home, "release", CAMPAIGN, "moon", "--because", "x", SINCERELY_AS_OF=NEXT_DAY)
    assert wrong.returncode == 1 and "There is no check moon" in wrong.stderr
    known = ("--because", "Names are looked at by hand.")
    released = run_sincerely(home, "release", CAMPAIGN, "data_tests", *known, SINCERELY_AS_OF=NEXT_DAY)
    assert released.returncode == 0, released.stderr
    other = run_sincerely(home, "send", "--campaign", "win_back", "--as-of", NEXT_DAY)
    assert other.returncode == 1 and "candidates_are_sound" in other.stderr

    status = run_sincerely(home, "status").stdout
    assert "fails; released by" in status and "Names are looked at by hand." in status


def test_what_a_person_released_waits_still_while_it_is_paused(home: Path) -> None:
    """After the test above, in which it was released."""
    refused = run_sincerely(home, "send", "--campaign", CAMPAIGN, "--as-of", NEXT_DAY)
    assert refused.returncode == 1 and "is paused" in refused.stderr
    assert run_sincerely(home, "resume", CAMPAIGN).returncode == 0
    assert "is not paused" in run_sincerely(home, "resume", CAMPAIGN).stderr
    assert run_sincerely(home, "send", "--campaign", CAMPAIGN, "--as-of", NEXT_DAY).returncode == 0


@pytest.fixture(scope="module")
def resumed(home: Path) -> Path:
    """The same home after a refresh with the sound project, which comes after the tests above."""
    done = run_sincerely(home, "refresh", "--as-of", DAY_AFTER)
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def test_the_data_releases_what_it_held(resumed: Path) -> None:
    assert rows(resumed, "select count(*) from delivery.gate where is_held") == [(0,)]
    assert rows(resumed, "select count(*) from quality.failed_tests") == [(0,)]


def test_a_paused_campaign_leaves_when_it_is_resumed(resumed: Path) -> None:
    assert handed_over(resumed, "2018-01") > 20


def test_a_dry_run_counts_everybody_of_the_audience_and_names_a_price_and_a_time(resumed: Path) -> None:
    asked = ("send", "--dry-run", "--as-of", DAY_AFTER)
    done = run_sincerely(resumed, *asked, "--json", SINCERELY_COST_PER_THOUSAND="1.50")
    assert done.returncode == 0, done.stderr
    for row in json.loads(done.stdout):
        assert row["audience"] == row["would_be_sent"] + row["already_sent"] + row["left_out"], row["campaign"]
        assert row["left_out"] == sum(row["reasons"].values())
        assert row["deferred"] <= row["left_out"]
        assert len(row["sample"]) == min(10, row["would_be_sent"])
        assert row["cost"] is not None and row["seconds"] is not None
    assert f"{CAMPAIGN} (2018-01): " in run_sincerely(resumed, *asked).stdout


def test_a_cancelled_occurrence_is_planned_no_more(resumed: Path) -> None:
    asked = ("cancel", CAMPAIGN, "--json")
    done = run_sincerely(resumed, *asked, SINCERELY_AS_OF=DAY_AFTER)
    assert done.returncode == 0 and "is cancelled (2018-01)" in json.loads(done.stdout)["words"]
    refused = run_sincerely(resumed, "send", "--campaign", CAMPAIGN, "--as-of", DAY_AFTER)
    assert refused.returncode == 1 and "cancelled" in refused.stderr
    misspelt = run_sincerely(resumed, "cancel", "loyalty_rewart")
    assert misspelt.returncode == 1 and f"Did you mean {CAMPAIGN}?" in misspelt.stderr

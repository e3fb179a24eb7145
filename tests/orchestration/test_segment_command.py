"""`sincerely segment`: an analyst makes a segment in minutes, sees who is in it, and why."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.building import copy_project
from tests.conftest import Sincerely
from tests.querying import rows

Built = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture
def home(built: Built) -> Path:
    home, done = built
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project to write into."""
    return copy_project(tmp_path / "dbt_project")


def test_the_list_has_sizes_changes_and_owners(home: Path, sincerely: Sincerely) -> None:
    listed = json.loads(sincerely(home, "segment", "list", "--json").stdout)
    sizes = {row["segment"]: row["people"] for row in listed if row["people"]}
    assert sizes == dict(rows(home, "select segment, count(*) from core.segment_memberships group by all"))
    by_name = {row["segment"]: row for row in listed}
    assert (by_name["repeat_buyers"]["owner"], by_name["repeat_buyers"]["state"]) == ("marketing", "refreshed")
    assert by_name["repeat_buyers"]["entered"] == by_name["repeat_buyers"]["people"]
    assert not by_name["women"]["is_for_mailing"]
    assert "repeat_buyers" in sincerely(home, "segment", "list").stdout


def test_a_segment_is_shown_with_a_sample_its_overlap_and_its_history(home: Path, sincerely: Sincerely) -> None:
    facts = json.loads(sincerely(home, "segment", "show", "frequent_buyers", "--sample", "2", "--json").stdout)
    assert [row["members_count"] for row in facts["history"]] == [facts["people"]]
    assert len(facts["sample"]) == 2 and all("@" in row["email"] for row in facts["sample"])
    shared = {row["segment"]: row["people_count"] for row in facts["overlap"]}
    ((both,),) = rows(
        home,
        "select count(*) from core.segment_memberships as a inner join core.segment_memberships as b using (person_id) "
        "where a.segment = 'frequent_buyers' and b.segment = 'repeat_buyers'",
    )
    assert shared["repeat_buyers"] == both
    printed = sincerely(home, "segment", "show", "frequent_buyers").stdout
    assert "Thank the most regular customers." in printed and "█" in printed


def test_an_unknown_segment_is_answered_with_the_nearest(home: Path, sincerely: Sincerely) -> None:
    for command in (["show", "frequent_buyer"], ["explain", "frequent_buyer", "person.1@example.com"]):
        done = sincerely(home, "segment", *command)
        assert done.returncode == 1
        assert "Did you mean frequent_buyers?" in done.stderr


def test_each_condition_is_explained_in_the_analysts_words_with_what_the_person_has(
    home: Path, sincerely: Sincerely
) -> None:
    ((inside, stage),) = rows(
        home,
        "select min(email), 'repeat_buyer' from core.profiles inner join core.segment_memberships using (person_id) "
        "where segment = 'local_repeat_buyers'",
    )
    ((outside, person_id),) = rows(
        home,
        "select arg_min(email, person_id), min(person_id) from core.profiles "
        "where city = 'New York' and lifecycle_stage <> 'repeat_buyer'",
    )
    yes = json.loads(sincerely(home, "segment", "explain", "local_repeat_buyers", str(inside).upper(), "--json").stdout)
    assert yes["is_member"] and yes["branches"][0]["is_met"]
    assert yes["branches"][0]["conditions"][1]["values"] == {"lifecycle_stage": stage}
    for person in (outside, person_id):
        no = json.loads(sincerely(home, "segment", "explain", "local_repeat_buyers", str(person), "--json").stdout)
        held = {each["text"]: each["holds"] for each in no["branches"][0]["conditions"]}
        assert not no["is_member"] and not no["branches"][0]["is_met"]
        assert held["lifecycle_stage = 'repeat_buyer'"] is False
        assert held["city = '{{ var(\"local_city\") }}'"] is True
    printed = sincerely(home, "segment", "explain", "local_repeat_buyers", str(outside)).stdout
    assert "✗ does not hold  lifecycle_stage = 'repeat_buyer'" in printed
    assert "that is, city = 'New York'" in printed
    nobody = sincerely(home, "segment", "explain", "local_repeat_buyers", "nobody@example.com")
    assert nobody.returncode == 1 and "nobody@example.com" not in nobody.stderr


def test_what_is_explained_of_every_segment_agrees_with_who_is_in_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.segments.definitions import definitions
    from orchestration.segments.explaining import explain
    from orchestration.settings import load_settings
    from orchestration.warehouse import Warehouse

    settings = load_settings({"SINCERELY_HOME": str(home)})
    people = [str(person) for (person,) in rows(home, "select person_id from core.profiles order by 1 limit 2")]
    for segment in definitions().values():
        for person in people:
            found = explain(settings, Warehouse(settings.warehouse), segment, person)
            assert not found.unsplit, segment.name
            assert any(branch.is_met for branch in found.branches) == found.is_member, (segment.name, person)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Sweet Tooth", "use small letters"),
        ("1st", "begin with a letter"),
        ("segment_of_one", "may not begin with segment_"),
        ("profiles", "is taken by"),
        ("at_risk", "is taken by"),
        ("activity_types", "is taken by"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(
    name: str, words: str, project: Path, tmp_path: Path, sincerely: Sincerely
) -> None:
    before = sorted(project.rglob("*"))
    done = sincerely(tmp_path / "home", "segment", "new", name, SINCERELY_DBT_PROJECT=str(project))
    assert done.returncode == 1
    assert words in done.stderr
    assert sorted(project.rglob("*")) == before


def test_a_new_segment_is_sound_and_its_test_passes(
    home: Path, project: Path, tmp_path: Path, sincerely: Sincerely
) -> None:
    from tests.building import dbt_test

    own = tmp_path / "home"
    shutil.copytree(home, own)
    made = sincerely(
        own, "segment", "new", "sweet_tooth", "--owner", "ada", "--purpose", "Candy: offers.", "--json",
        SINCERELY_DBT_PROJECT=str(project),
    )  # fmt: skip
    assert [Path(file).name for file in json.loads(made.stdout)["files"]] == ["sweet_tooth.sql", "sweet_tooth.yml"]
    linted = sincerely(own, "lint", SINCERELY_DBT_PROJECT=str(project))
    assert linted.returncode == 0, linted.stdout
    listed = json.loads(sincerely(own, "segment", "list", "--json", SINCERELY_DBT_PROJECT=str(project)).stdout)
    (row,) = [row for row in listed if row["segment"] == "sweet_tooth"]
    assert (row["owner"], row["purpose"], row["state"]) == ("ada", "Candy: offers.", "not built yet")
    assert dbt_test(own, project, "sweet_tooth") == 1


def test_segments_and_their_use_are_linted_with_file_and_line(
    project: Path, tmp_path: Path, sincerely: Sincerely
) -> None:
    segments = project / "models" / "segments"
    (segments / "nobodys.sql").write_text("select person_id\nfrom {{ ref('profile') }}\n")
    (segments / "unclosed.sql").write_text("select person_id\nfrom {{ ref('profiles' }}\n")
    (segments / "repeat_buyers.yml").write_text("models:\n    - name: repeat_buyers\n")
    (segments / "broken.yml").write_text("models:\n    - name: [\n")
    done = sincerely(tmp_path / "home", "lint", SINCERELY_DBT_PROJECT=str(project))
    assert done.returncode == 1
    found = done.stdout
    assert "nobodys.sql:2: error: there is no model profile. Did you mean profiles?" in found
    assert "nobodys.sql:1: error: the segment has no YAML" in found
    assert "unclosed.sql:2: error: unexpected '}'" in found
    assert "repeat_buyers.yml:2: error: the segment repeat_buyers does not say its owner, purpose" in found
    assert "broken.yml:" in found


def test_a_campaign_on_a_segment_that_is_not_for_mailing_is_refused_at_its_line(tmp_path: Path) -> None:
    from orchestration.segments.linting import audience_findings
    from orchestration.settings import CAMPAIGNS
    from rendering.campaign import load_campaign

    folder = tmp_path / "campaigns" / "loyalty_reward"
    shutil.copytree(CAMPAIGNS / "loyalty_reward", folder)
    file = folder / "campaign.yml"
    text = file.read_text(encoding="utf-8")
    assert audience_findings(load_campaign(folder)) == []
    text = text.replace("segments: [repeat_buyers]", "segments:\n    - repeat_buyers\n    - women")
    file.write_text(text.replace("[lapsed_at_risk]", "[lapsed_at_risks]"), encoding="utf-8")
    found = [(finding.line, finding.severity, finding.message) for finding in audience_findings(load_campaign(folder))]
    assert [(line, severity) for line, severity, _ in found] == [(7, "error"), (8, "error")]
    assert "women is tagged not_for_mailing" in found[0][2]
    assert "Did you mean lapsed_at_risk?" in found[1][2]

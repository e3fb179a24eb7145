"""A segment that is broken fails alone: the others are refreshed, and nobody is written to on doubt."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.building import copy_project
from tests.conftest import run_sincerely
from tests.querying import rows

LATER = "2017-12-31T12:00:00Z"
ALL = "select person_id from {{ ref('profiles') }}"
# Each breaks in a way of its own; repeat_buyers is what a campaign is for, lapsed_at_risk is whom it spares.
BROKEN = {
    "one_column_too_many.sql": "select person_id, city from {{ ref('profiles') }}",
    "people_twice.sql": f"{ALL}\nunion all\n{ALL}",
    "nobody.sql": "select cast(null as varchar) as person_id",
    "no_such_macro.sql": f"{ALL} where {{{{ nothing() }}}}",
    "unclosed.sql": "select person_id from {{ ref('profiles' }}",
    "reads_nothing.sql": "select person_id from {{ ref('no_such_model') }}",
    "reads_a_broken_one.sql": "select person_id from {{ ref('one_column_too_many') }}",
    "reads_all_segments.sql": "select person_id from {{ ref('segment_memberships') }} group by person_id",
    "unchecked.sql": "{{ config(materialized='view') }}\n" + ALL,
    "Bad Name.sql": ALL,
    "bad_yaml.sql": ALL,
    "bad_yaml.yml": "models:\n    - name: [\n",
    "its_own_test_fails.sql": ALL,
    "its_own_test_fails.yml": (
        "models:\n    - name: its_own_test_fails\n      columns:\n          - name: person_id\n"
        "            data_tests: [{accepted_values: {arguments: {values: [nobody]}}}]\n"
    ),
    "repeat_buyers.sql": "select person_id from {{ ref('profiles') }} where lifecicle_stage = 'repeat_buyer'",
}
SOUND = {"of_activity.sql": "select person_id from {{ ref('activity') }} group by person_id"}
FAILED = {Path(name).stem for name in BROKEN}


@dataclass
class After:
    home: Path
    project: Path
    done: subprocess.CompletedProcess[str]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return rows(self.home, sql)


@pytest.fixture(scope="module")
def after(built: tuple[Path, subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory) -> After:
    """The home of the others, built once more with a project in which many segments are broken."""
    folder = tmp_path_factory.mktemp("broken")
    home, project = folder / "home", folder / "dbt_project"
    shutil.copytree(built[0], home)
    copy_project(project)
    for name, text in {**BROKEN, **SOUND}.items():
        (project / "models" / "segments" / name).write_text(text + "\n", encoding="utf-8")
    return After(home, project, run_sincerely(home, "build", "--as-of", LATER, SINCERELY_DBT_PROJECT=str(project)))


def test_each_broken_segment_is_named_with_the_reason_and_the_run_ends_with_problems(after: After) -> None:
    assert after.done.returncode == 1
    assert "Traceback" not in after.done.stdout + after.done.stderr
    problems = [line for line in after.done.stdout.splitlines() if line.startswith("problem The segment ")]
    assert {line.removeprefix("problem The segment ").partition(" is not refreshed")[0] for line in problems} == FAILED
    said = "\n".join(problems)
    for words in (
        "take city out of its select", "the same people more than once", "rows without a person_id",
        "'nothing' is undefined",
        "unexpected '}'", "'no_such_model' which was not found", "it reads one_column_too_many",
        "made of all segments", "makes a view of it", "Mend models/segments/bad_yaml.yml",
        "its test accepted_values_its_own_test_fails", "lifecicle_stage", "its name is none of small letters",
    ):  # fmt: skip
        assert words in said, words


def test_the_others_are_refreshed(after: After) -> None:
    refreshed = after.rows("select segment from core.segment_refreshes where is_refreshed")
    assert ("of_activity",) in refreshed and ("lapsed_at_risk",) in refreshed
    assert not {segment for (segment,) in refreshed} & FAILED
    assert after.rows("select distinct cast(built_at as varchar) from core.segment_refreshes") == [
        ("2017-12-31 12:00:00",)
    ]
    assert after.rows(
        "select count(*) > 100, min(member_since) = max(member_since) from core.segment_memberships "
        "where segment = 'of_activity'"
    ) == [(True, True)]


def test_a_failed_segment_keeps_its_members_and_their_history_and_nothing_is_noted_of_it(after: After) -> None:
    kept = after.rows(
        "select person_id, member_since from core.segment_memberships where segment = 'repeat_buyers' order by all"
    )
    observed = after.rows(
        "select person_id, changed_at from raw.segment_changes where segment = 'repeat_buyers' order by all"
    )
    assert kept == observed
    assert len(kept) > 20


def test_a_campaign_that_hangs_on_a_failed_segment_writes_to_nobody_and_the_others_go_on(after: After) -> None:
    reasons = after.rows(
        "select distinct exclusion_reason, exclusion_detail from core.message_candidates "
        "where campaign = 'loyalty_reward' and coalesce(exclusion_reason, '') <> 'already_written_to'"
    )
    assert reasons == [("segment_failed", "repeat_buyers")]
    others = after.rows(
        "select count(*) from core.message_candidates where campaign <> 'loyalty_reward' and exclusion_reason is null"
    )
    assert others != [(0,)]
    dry = run_sincerely(
        after.home, "send", "--dry-run", "--json", "--as-of", LATER, SINCERELY_DBT_PROJECT=str(after.project)
    )
    by_campaign = {row["campaign"]: row for row in json.loads(dry.stdout)}
    assert by_campaign["loyalty_reward"]["would_be_sent"] == 0


def test_nothing_of_a_failed_segment_is_left_behind(after: After) -> None:
    assert after.rows("select table_name from duckdb_tables() where table_name like '%\\_\\_found' escape '\\'") == []


def test_the_list_says_which_segments_failed(after: After) -> None:
    done = run_sincerely(after.home, "segment", "list", "--json", SINCERELY_DBT_PROJECT=str(after.project))
    states = {row["segment"]: row["state"] for row in json.loads(done.stdout)}
    assert states["repeat_buyers"] == "failed, kept"
    assert states["people_twice"] == "failed, never built"
    assert states["of_activity"] == "refreshed"

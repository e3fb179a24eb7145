"""The main job as its users run it: the real command, on a real home."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from email import policy
from pathlib import Path

import pytest

from orchestration import dbt
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import run_dbt
from tests.conftest import AS_OF, ROOT, SECRET, Sincerely
from tests.querying import rows, warehouse_of

Built = tuple[Path, subprocess.CompletedProcess[str]]
# When a file was landed and how long that took is a fact of the run, not of the data.
_OF_THE_RUN = {"landed_at", "_landed_at", "seconds", "modified_ns"}


def tables(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table's rows, in an order of their own."""
    with warehouse_of(home) as connection:
        names = connection.execute(
            "select schema_name, table_name from duckdb_tables() where not temporary order by all"
        ).fetchall()
        content = {}
        for schema, table in names:
            columns = [
                name
                for (name,) in connection.execute(
                    "select column_name from duckdb_columns() where schema_name = ? and table_name = ?",
                    [schema, table],
                ).fetchall()
                if name not in _OF_THE_RUN
            ]
            listed = ", ".join(f'"{name}"' for name in columns)
            rows = connection.execute(f'select {listed} from "{schema}"."{table}" order by all').fetchall()
            content[f"{schema}.{table}"] = rows
        return content


def messages(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.glob("outbox/*/*/*.eml"))}


def test_one_command_lands_builds_trains_renders_and_hands_over(built: Built) -> None:
    home, done = built
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(messages(home)) > 20
    assert "Messages handed over in this run" in done.stdout
    assert (home / "reports" / "index.html").exists()


def test_a_message_is_a_real_one_with_one_click_unsubscribe(built: Built) -> None:
    home, _ = built
    for content in messages(home).values():
        message = email.message_from_bytes(content, policy=policy.default)
        assert message["To"].endswith(("@example.com", "@example.org"))
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["List-Unsubscribe"].startswith("<https://")
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_only_who_agreed_and_is_not_suppressed_got_a_message(built: Built) -> None:
    home, _ = built
    unwanted = rows(
        home,
        """
        select messages.message_id
        from delivery.messages
        inner join raw.campaigns using (campaign)
        inner join core.contactability using (person_id)
        left join core.consents on messages.person_id = consents.person_id and campaigns.purpose = consents.purpose
        where messages.state = 'accepted'
            and (not coalesce(is_granted, false) or suppression_reason is not null or messages.is_holdout)
        """,
    )
    assert unwanted == []


def test_everyone_in_an_audience_has_a_message_or_a_reason(built: Built) -> None:
    home, _ = built
    audience = rows(home, "select campaign, person_id from core.message_candidates order by all")
    answered = rows(
        home,
        """
        select campaign, person_id from delivery.messages where not is_holdout
        union select campaign, person_id from delivery.exclusions
        order by all
        """,
    )
    assert audience == answered


def test_every_decision_names_the_block_that_the_message_shows(built: Built) -> None:
    home, _ = built
    undecided = rows(
        home,
        """
        select message_id from delivery.messages where state = 'accepted'
        except select message_id from delivery.decisions
        """,
    )
    assert undecided == []


def test_who_is_held_out_is_written_down_with_the_day_and_the_kind_of_holdout(built: Built) -> None:
    home, _ = built
    held_out = rows(
        home,
        """
        select messages.message_id, messages.planned_at, decisions.choice
        from delivery.messages
        left join delivery.decisions on messages.message_id = decisions.message_id and decisions.slot = 'holdout'
        where messages.is_holdout
        """,
    )
    assert held_out
    assert {(planned_at, kind) for _, planned_at, kind in held_out} == {(datetime(2017, 12, 31), "campaign")}


def test_broken_rows_are_in_quarantine_and_all_rows_are_accounted_for(built: Built) -> None:
    home, _ = built
    assert rows(home, "select file, reason from quality.quarantine") == [
        ("crm/contacts/contacts.csv", "email is no address")
    ]
    assert (
        rows(
            home,
            "select load_id from quality.load_reconciliation "
            "where rows_received <> rows_staged + rows_quarantined + rows_duplicate",
        )
        == []
    )


def test_two_contacts_with_one_phone_are_one_person(built: Built) -> None:
    home, _ = built
    assert rows(
        home,
        "select count(distinct person_id) from core.identity_map "
        "where identifier in ('c1', 'c1-web', 'person.1@example.com', 'home.1@example.org')",
    ) == [(1,)]


def test_every_dbt_unit_test_holds(built: Built) -> None:
    """Edges of windows, precedences, refusals: each rule's own cases, in dbt."""
    home, _ = built
    settings = load_settings({"SINCERELY_HOME": str(home)})
    # The home is every worker's.
    with Warehouse(settings.warehouse).held():
        said = run_dbt(
            [
                "test", "--select", "test_type:unit", "--project-dir", str(dbt.DBT_PROJECT),
                "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(datetime(2017, 12, 31)),
            ],
            dbt.build_environment(settings),
        )  # fmt: skip
    passed = re.search(r"PASS=(\d+)", said)
    assert passed is not None
    assert int(passed[1]) >= 25


@pytest.mark.long
def test_a_run_killed_while_it_builds_ends_in_the_same_tables_and_bytes_as_an_undisturbed_one_elsewhere(
    world: Path, built: Built, sincerely: Sincerely, tmp_path: Path
) -> None:
    """Two homes, one landing zone, one as_of: what happened in between leaves no trace."""
    home = tmp_path / "killed"
    shutil.copytree(world, home)
    _kill_at(lambda: "core.activity " in _log(home), home)
    done = sincerely(home, "run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert messages(home) == messages(built[0])
    here, there = tables(built[0]), tables(home)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []


@pytest.mark.long
def test_a_run_killed_while_it_sends_is_taken_up_and_nothing_is_landed_or_sent_twice(
    world: Path, built: Built, sincerely: Sincerely, tmp_path: Path
) -> None:
    home = tmp_path / "killed"
    shutil.copytree(world, home)
    _kill_at(lambda: any(home.glob("outbox/*/*/*.eml")), home)
    done = sincerely(home, "run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0, everything was landed before" in done.stdout
    assert messages(home) == messages(built[0])
    with sqlite3.connect(home / "outbox.sqlite") as outbox:
        states = dict(outbox.execute("select state, count(*) from messages group by state").fetchall())
    assert set(states) <= {"accepted", "held_out"}

    again = sincerely(home, "send", "--as-of", AS_OF)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "nothing is sent twice" in again.stdout
    assert messages(home) == messages(built[0])


def _log(home: Path) -> str:
    path = home / "last_run.log"
    return path.read_text(errors="replace") if path.exists() else ""


def _kill_at(condition: Callable[[], bool], home: Path) -> None:
    """Starts the job in a process group of its own and kills all of it once `condition` holds."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("sincerely")), "run", "--as-of", AS_OF],
        env={**os.environ, "SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=ROOT,
    )
    try:
        _wait_until(condition, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "the job ended before it could be killed"
        assert time.monotonic() < deadline, "the job did not come that far"
        time.sleep(0.01)


def test_a_second_run_at_the_same_time_is_refused_in_one_line(built: Built, sincerely: Sincerely) -> None:
    from orchestration.locks import exclusive

    home, _ = built
    with exclusive(home / "run.lock", wait_seconds=0):
        done = sincerely(home, "run")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "in use by process" in line
    assert "run again" in line


def test_the_summary_is_there_for_programs_too(built: Built, sincerely: Sincerely) -> None:
    home, _ = built
    done = sincerely(home, "send", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert {row["campaign"] for row in facts} > {"loyalty_reward", "onboarding", "win_back"}
    assert all(row["would_be_sent"] == 0 for row in facts if row["occurrence"] == "once")


def test_why_says_why_someone_got_a_message_and_why_another_did_not(built: Built, sincerely: Sincerely) -> None:
    home, _ = built
    ((got,),) = rows(
        home,
        "select min(email) from delivery.messages inner join core.contactability using (person_id) "
        "where state = 'accepted'",
    )
    ((silent,),) = rows(
        home,
        "select min(email) from delivery.exclusions inner join core.contactability using (person_id) "
        "where reason = 'no_consent'",
    )
    assert "sent on 2017-12-31" in sincerely(home, "why", str(got).upper()).stdout
    assert "not sent: no consent" in sincerely(home, "why", str(silent)).stdout
    nobody = sincerely(home, "why", "nobody@example.com")
    assert nobody.returncode == 1
    assert "Nobody is known" in nobody.stderr
    assert "nobody@example.com" not in nobody.stderr

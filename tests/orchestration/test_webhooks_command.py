"""Webhooks within the real commands and the real asset: what a person sees, and that the job goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import dagster as dg
import pytest

from orchestration import status
from orchestration.defs.resources import Home
from orchestration.defs.webhooks import webhook_deliveries
from orchestration.locks import exclusive
from orchestration.webhooks import pushing
from tests.conftest import AS_OF, SECRET, Sincerely
from tests.orchestration.receiving import (
    DAY_1,
    DAY_2,
    DAY_3,
    SECRET_ENV,
    SIGNING_SECRET,
    Crm,
    PushingHome,
    Reply,
    TestClock,
    closed_port,
    receiving,
)  # fmt: skip

SIGNED = {SECRET_ENV: SIGNING_SECRET}


@pytest.fixture
def crm() -> Iterator[Crm]:
    with receiving(TestClock()) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PushingHome:
    made = PushingHome(tmp_path / "home")
    monkeypatch.setenv("SINCERELY_HOME", str(made.path))
    monkeypatch.setenv("SINCERELY_SECRET", SECRET)
    monkeypatch.setenv(SECRET_ENV, SIGNING_SECRET)
    return made


def materialize(as_of: str) -> tuple[bool, dict[str, object], dg.AssetCheckEvaluation]:
    """Whether the asset's step held, its metadata and its check."""
    result = dg.materialize([webhook_deliveries], resources={"home": Home(as_of=as_of)}, raise_on_error=False)
    (made,) = result.asset_materializations_for_node("outbox__webhook_deliveries")
    (check,) = result.get_asset_check_evaluations()
    return result.success, {name: value.value for name, value in made.metadata.items()}, check


def words(check: dg.AssetCheckEvaluation) -> list[object]:
    return [value.value for value in check.metadata.values()]


def test_the_asset_takes_and_tells_what_changed(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url, since="now")
    home.change(("ann", "entered", "at_risk", DAY_1))
    materialize(DAY_1.isoformat())
    home.change(("ann", "exited", "at_risk", DAY_2))
    success, metadata, check = materialize(DAY_2.isoformat())
    assert (success, check.passed) == (True, True)
    assert metadata == {"dagster/row_count": 1, "changes_taken": 1, "failed": 0, "given_up": 0}
    assert crm.told("ann") == [("at_risk", "exited")]


def test_a_receiver_that_is_not_well_is_a_warning_in_words_and_the_step_holds(home: PushingHome) -> None:
    home.configure(f"http://127.0.0.1:{closed_port()}/")
    home.change(*((f"p{number}", "entered", "at_risk", DAY_1) for number in range(100)))
    success, metadata, check = materialize(DAY_1.isoformat())
    assert success
    assert metadata["changes_taken"] == 100
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    (sentence,) = words(check)
    assert str(sentence).startswith("Webhook crm breaks off for this run: the receiver cannot be reached")
    assert str(sentence).endswith("100 changes wait.")


def test_a_home_without_webhooks_or_without_changes_does_nothing(home: PushingHome) -> None:
    assert materialize(DAY_1.isoformat())[1]["dagster/row_count"] == 0
    home.configure("https://crm.example.com/")
    with home.warehouse.transaction() as connection:
        connection.execute("drop table core.segment_transitions")
    success, metadata, check = materialize(DAY_1.isoformat())
    assert (success, check.passed, metadata["changes_taken"]) == (True, True, 0)


def test_while_somebody_else_delivers_a_run_warns_and_leaves_it_to_them(
    home: PushingHome, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "_LOCK_WAIT_SECONDS", 0)
    home.configure(crm.url)
    with exclusive(home.path / "webhooks.lock", wait_seconds=0):
        success, _, check = materialize(DAY_1.isoformat())
    assert (success, check.passed) == (True, False)
    assert "is in use by process" in str(words(check)[0])


def test_status_says_what_waits(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url)
    assert status.collect(home.settings)["webhooks"] == ["crm: starts with the next run"]
    home.change(("ann", "entered", "at_risk", DAY_1), ("bob", "entered", "at_risk", DAY_2))
    crm.behave = lambda payload: Reply(200 if payload["person_id"] == "ann" else 410)
    home.run(DAY_2)
    (line,) = status.collect(home.settings)["webhooks"]
    assert line.startswith("crm: 1 change waits, 1 delivered, stopped since ")
    (home.path / "webhooks.toml").write_text("[[webhook]]\nnam = 'crm'\n")
    assert "Did you mean name?" in status.collect(home.settings)["webhooks"][0]


def test_what_waits_for_a_webhook_that_was_taken_out_is_still_said(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url, f"http://127.0.0.1:{closed_port()}/")
    home.change(("ann", "entered", "at_risk", DAY_1))
    home.run(DAY_1)
    home.configure(crm.url)
    assert status.collect(home.settings)["webhooks"][1] == (
        "crm_2: 1 change waits for it, and it is not in webhooks.toml any more: nothing is sent"
    )


def test_the_commands_list_show_and_retry(home: PushingHome, crm: Crm, sincerely: Sincerely) -> None:
    done = sincerely(home.path, "webhook", "list")
    assert "No webhook is set up" in done.stdout
    home.configure(crm.url, max_attempts=1)
    home.change(("ann", "entered", "at_risk", DAY_1), ("bob", "entered", "at_risk", DAY_1))
    crm.behave = lambda payload: Reply(200 if payload["person_id"] == "ann" else 404)
    home.run(DAY_3)
    (row,) = json.loads(sincerely(home.path, "webhook", "list", "--json").stdout)
    assert (row["webhook"], row["delivered"], row["given_up"], row["waiting"]) == ("crm", 1, 1, 0)
    shown = sincerely(home.path, "webhook", "show", "crm").stdout
    assert f"crm to 127.0.0.1:{crm.server_port}: 0 changes wait, 1 delivered, 1 given up" in shown
    assert "given up: bob entered at_risk at 2026-01-01 00:00:00: 1 attempts, answered 404 Not Found" in shown
    facts = json.loads(sincerely(home.path, "webhook", "show", "crm", "--json").stdout)
    assert facts["settings"]["secret_env"] == SECRET_ENV
    assert [each["person_id"] for each in facts["troubled"]] == ["bob"]
    done = sincerely(home.path, "webhook", "retry", "crm", **SIGNED)
    assert (done.returncode, done.stdout) == (1, "crm: 0 delivered, 0 failed, 1 given up.\n")
    assert done.stderr == "Webhook crm did not deliver 1: the receiver answered 404 Not Found; 0 changes wait.\n"
    crm.behave = lambda payload: Reply()
    done = sincerely(home.path, "webhook", "retry", "crm", "--json", **SIGNED)
    assert done.returncode == 0
    assert json.loads(done.stdout)["delivered"] == 1
    for command in ("show", "retry", "test"):
        done = sincerely(home.path, "webhook", command, "crn")
        assert done.returncode == 1
        assert "There is no webhook 'crn'; there are crm. Did you mean crm?" in done.stderr
        assert SIGNING_SECRET not in done.stdout + done.stderr


def test_a_test_request_is_signed_and_written_down_nowhere(home: PushingHome, crm: Crm, sincerely: Sincerely) -> None:
    home.configure(crm.url, include=["email"])
    done = sincerely(home.path, "webhook", "test", "crm", **SIGNED)
    assert done.stdout == f"crm to 127.0.0.1:{crm.server_port}: answered 200, and took the request\n"
    (payload,) = crm.took
    assert (payload["type"], payload["person_id"], payload["contact_ids"], payload["email"]) == (
        "webhook.test", "test", [], None,
    )  # fmt: skip
    assert crm.unsigned == []
    assert home.counts() == {}
    crm.behave = lambda payload: Reply(503)
    done = sincerely(home.path, "webhook", "test", "crm", "--json", **SIGNED)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"webhook": "crm", "status": 503, "error": "answered 503 Service Unavailable"}


@pytest.mark.long
def test_the_main_jobs_sending_ends_well_and_notes_the_receiver_that_is_down(
    built: tuple[Path, CompletedProcess[str]], tmp_path: Path, crm: Crm, sincerely: Sincerely
) -> None:
    shutil.copytree(built[0], tmp_path / "home")
    home = PushingHome(tmp_path / "home", is_built=True)
    (person,) = home.warehouse.rows(
        "select person_id, list(identifier order by identifier) as contact_ids from core.identity_map "
        "where identifier_type = 'contact_id' group by all order by all limit 1"
    )
    home.change((person["person_id"], "entered", "at_risk", DAY_1.replace(year=2017)))
    home.configure(crm.url, f"http://127.0.0.1:{closed_port()}/")
    done = sincerely(home.path, "send", "--as-of", AS_OF, **SIGNED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [payload["contact_ids"] for payload in crm.took] == [person["contact_ids"]]
    notes = [line for line in done.stdout.splitlines() if line.startswith("note ")]
    assert [note for note in notes if "Webhook crm_2 did not deliver 1: the receiver cannot be reached" in note]
    status_lines = json.loads(sincerely(home.path, "status", "--json").stdout)["webhooks"]
    assert status_lines == ["crm: 0 changes wait, 1 delivered", "crm_2: 1 change waits, 0 delivered"]

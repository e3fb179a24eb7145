"""The outbox: a message exists once, whatever is killed, and whoever asks again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from orchestration.delivery.controls import Controls
from orchestration.delivery.esp.base import Answer
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.sender import esp_for, send
from orchestration.delivery.stored import Stored, store
from orchestration.errors import DeliveryError, SettingsError
from orchestration.settings import DEMO_SECRET, Settings
from rendering.payload import Payload

NOW = datetime(2018, 1, 1, tzinfo=UTC)


def payload(number: int) -> Payload:
    return Payload(
        message_id=f"m{number}", person_id=f"p{number}", campaign="hello", occurrence="once", variant=None,
        to_email=f"person.{number}@example.com", from_name="Shop", from_email="shop@example.com", reply_to=None,
        subject=f"Grüße {number}", html="<p>hi</p>", text="hi\n", headers=(("X-Id", f"m{number}"),),
    )  # fmt: skip


def planned(number: int) -> Planned:
    return Planned(f"m{number}", "hello", "once", f"p{number}", None, payload=payload(number))


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")


@pytest.fixture
def esp(tmp_path: Path) -> FolderEsp:
    return FolderEsp(tmp_path / "outbox")


def states(outbox: Outbox) -> dict[str, int]:
    return {state: count for (_, state), count in outbox.counts().items()}


def test_what_is_planned_is_handed_over_once(outbox: Outbox, esp: FolderEsp, tmp_path: Path) -> None:
    outbox.plan([planned(1), planned(2)], NOW)
    assert send(outbox, esp, NOW).accepted == 2
    assert send(outbox, esp, NOW).accepted == 0
    assert states(outbox) == {"accepted": 2}
    assert len(list((tmp_path / "outbox").rglob("*.eml"))) == 2


def test_the_same_message_cannot_be_planned_twice(outbox: Outbox) -> None:
    outbox.plan([planned(1)], NOW)
    with pytest.raises(DeliveryError, match="nothing was planned twice"):
        outbox.plan([planned(2), planned(1)], NOW)
    assert states(outbox) == {"planned": 1}


def test_nothing_to_plan_is_no_mistake(outbox: Outbox) -> None:
    outbox.plan([], NOW)
    assert states(outbox) == {}


def test_a_hold_out_is_written_down_and_never_sent(outbox: Outbox, esp: FolderEsp) -> None:
    outbox.plan([Planned("m1", "hello", "once", "p1", None)], NOW)
    assert send(outbox, esp, NOW).accepted == 0
    assert states(outbox) == {"held_out": 1}


def test_what_is_planned_for_a_held_campaign_waits_until_it_is_held_no_longer(outbox: Outbox, esp: FolderEsp) -> None:
    outbox.plan([planned(1), planned(2)], NOW)
    held = {planned(1).campaign}
    assert send(outbox, esp, NOW, held=held).accepted == 0
    assert states(outbox) == {"planned": 2}
    assert send(outbox, esp, NOW).accepted == 2


def test_two_workers_never_take_the_same_batch(outbox: Outbox) -> None:
    outbox.plan([planned(1)], NOW)
    outbox.plan([planned(2)], NOW)
    taken = [outbox.leases.take(worker) for worker in ("first", "second")]
    assert sorted(each.messages[0].message_id for each in taken if each) == ["m1", "m2"]
    assert outbox.leases.take("first") is None


def test_a_worker_killed_while_sending_is_taken_up_again_by_the_folder(
    outbox: Outbox, esp: FolderEsp, tmp_path: Path
) -> None:
    outbox.plan([planned(1), planned(2)], NOW)
    with outbox.leases.workers.joined() as worker:
        lease = outbox.leases.take(worker)
        assert lease
        outbox.settling.begin(lease, lease.messages, esp.name, esp.is_idempotent, NOW.replace(tzinfo=None))
        esp.hand_over(lease.messages[:1], NOW)
    sent = send(outbox, FolderEsp(tmp_path / "outbox"), NOW)
    assert (sent.taken_back, sent.accepted) == (2, 2)
    assert len(list((tmp_path / "outbox").rglob("*.eml"))) == 2


def test_a_refused_message_is_recorded_with_its_reason_and_the_others_are_accepted(outbox: Outbox) -> None:
    class Refusing(FolderEsp):
        def hand_over(self, messages: Sequence[Stored], sent_at: datetime) -> Answer:
            return Answer({"m1": "mailbox is full"})

    outbox.plan([planned(1), planned(2)], NOW)
    sent = send(outbox, Refusing(Path("/nowhere")), NOW)
    assert (sent.accepted, sent.rejected) == (1, 1)
    assert states(outbox) == {"accepted": 1, "rejected": 1}


def test_a_batch_that_was_certainly_not_taken_stays_planned(outbox: Outbox, esp: FolderEsp) -> None:
    class Down(FolderEsp):
        def hand_over(self, messages: Sequence[Stored], sent_at: datetime) -> Answer:
            raise DeliveryError("The ESP is down; run again later.")

    outbox.plan([planned(1)], NOW)
    with pytest.raises(DeliveryError):
        send(outbox, Down(Path("/nowhere")), NOW)
    assert states(outbox) == {"planned": 1}
    assert send(outbox, esp, NOW).accepted == 1


def test_every_change_of_a_message_is_a_new_revision(outbox: Outbox, esp: FolderEsp) -> None:
    outbox.plan([planned(1)], NOW)
    before = outbox.read_all().read_all().to_pylist()[0]
    send(outbox, esp, NOW)
    after = outbox.read_all().read_all().to_pylist()[0]
    assert (before["state"], after["state"]) == ("planned", "accepted")
    assert after["revision"] > before["revision"]
    assert after["accepted_at"] == NOW.replace(tzinfo=None)


def test_a_sent_message_keeps_no_copy_of_its_content(outbox: Outbox, esp: FolderEsp, tmp_path: Path) -> None:
    outbox.plan([planned(1)], NOW)
    send(outbox, esp, NOW)
    import sqlite3

    with sqlite3.connect(tmp_path / "outbox.sqlite") as connection:
        assert connection.execute("select count(*) from batches").fetchone() == (0,)


@pytest.mark.parametrize(
    "ask",
    [
        lambda outbox: outbox.waiting(NOW),
        lambda outbox: list(outbox.planned_for(["person.1@example.com"])),
        lambda outbox: outbox.unknown.ids(),
        lambda outbox: outbox.unknown.waiting(),
        lambda outbox: outbox.unknown.resend(["hello"], NOW.replace(tzinfo=None)),
        lambda outbox: outbox.leases.recover(),
        lambda outbox: Controls(outbox.url).withdraw("hello"),
    ],
    ids=["waiting", "planned for", "unknown", "why unknown", "resend", "recover", "withdraw"],
)
def test_what_is_still_open_is_found_without_reading_all_that_was_ever_sent(
    outbox: Outbox, ask: Callable[[Outbox], object]
) -> None:
    plans: list[str] = []

    def explain(connection: sa.Connection, _: object, statement: str, parameters: object, *__: object) -> None:
        if "messages" in statement and statement.startswith(("SELECT", "UPDATE")):
            cursor = connection.connection.cursor()
            plans.extend(row[3] for row in cursor.execute(f"explain query plan {statement}", parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        ask(outbox)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", explain)
    assert [plan for plan in plans if "messages" in plan]
    assert not [plan for plan in plans if plan.startswith("SCAN messages")]


def test_an_earlier_versions_outbox_loses_the_index_that_nothing_is_found_by(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    Outbox(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("create index messages_open on messages (state) where state in ('planned', 'sending')")
    Outbox(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        assert not connection.execute("select name from sqlite_master where name = 'messages_open'").fetchall()


def test_no_esp_but_the_folder_takes_the_demos_public_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, esp="smtp", secret=DEMO_SECRET)
    with pytest.raises(SettingsError, match="public key"):
        esp_for(settings)


def test_the_index_names_every_message_and_escapes_its_subject(tmp_path: Path) -> None:
    esp = FolderEsp(tmp_path)
    esp.hand_over([store(payload(1)._replace(subject="<script>alert(1)</script>"))], NOW)
    esp.finish()
    page = (tmp_path / "hello" / "once" / "index.html").read_text()
    assert "m1.eml" in page
    assert "<script>alert" not in page
    assert "hello/once/index.html" in (tmp_path / "index.html").read_text()

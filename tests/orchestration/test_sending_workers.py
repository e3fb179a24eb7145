"""Several workers on one outbox: no message twice, all of them sent."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.delivery import handing_over
from orchestration.delivery.crew import crew
from orchestration.delivery.esp.base import Answer
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.esp.sendgrid import SendGrid
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.sender import send
from orchestration.delivery.worker import Order
from orchestration.errors import DeliveryError
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.esp.cases import NOW, payload, plan, states
from tests.esp.sendgrid import API_KEY, TEMPLATE_ID, FakeSendGrid, sendgrid
from tests.servers import Postgres, postgres_server

__all__ = ["postgres_server"]
AT = NOW.replace(tzinfo=None)


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with sendgrid(seconds=0.01) as server:
        server.keeps_contents = False
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'outbox.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"workers_{abs(hash(request.node.name))}"
    server.execute(f"create database {name}")
    yield server.url(name).replace("postgresql://", "postgresql+psycopg://")
    server.execute(f"drop database {name} with (force)")


def environ(home: Path, url: str, fake: FakeSendGrid) -> dict[str, str]:
    return {
        **os.environ,
        "SINCERELY_HOME": str(home),
        "SINCERELY_OUTBOX_URL": url,
        "SINCERELY_ESP": "sendgrid",
        "SINCERELY_SECRET": "of the tests",
        "SINCERELY_SENDGRID_API_KEY": API_KEY,
        "SINCERELY_SENDGRID_TEMPLATE_ID": TEMPLATE_ID,
        "SINCERELY_SENDGRID_URL": fake.url,
    }


def test_workers_share_an_outbox_and_no_message_goes_twice(url: str, tmp_path: Path, fake: FakeSendGrid) -> None:
    outbox = Outbox(url)
    workers = 4 if url.startswith("sqlite") else 2
    for batch in range(60):
        plan(outbox, [payload(number) for number in range(batch * 20, batch * 20 + 20)])
    with crew(Order(NOW.isoformat()), workers, environ(tmp_path, url, fake)) as team:
        sent = team.ended()
    assert sent.accepted == 1_200
    assert states(outbox) == {"accepted": 1_200}
    assert len(fake.accepted) == 1_200
    assert set(fake.accepted.values()) == {1}


def test_workers_hand_over_while_it_is_still_planned(tmp_path: Path, fake: FakeSendGrid) -> None:
    url = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    outbox = Outbox(url)
    with crew(Order(NOW.isoformat(), is_planning=True), 1, environ(tmp_path, url, fake)) as team:
        plan(outbox, [payload(1)])
        for _ in range(6_000):
            if fake.accepted:
                break
            time.sleep(0.01)
        plan(outbox, [payload(2)])
        assert team.ended().accepted == 2


def test_a_large_handing_over_is_done_by_processes_that_heed_who_is_held(
    tmp_path: Path, fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    outbox = Outbox(url)
    for batch in range(4):
        plan(outbox, [payload(number) for number in range(batch * 25, batch * 25 + 25)])
        plan(outbox, [payload(number, "held") for number in range(batch * 25, batch * 25 + 25)])
    for name, value in environ(tmp_path, url, fake).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handing_over, "LARGE", 200)
    settings = load_settings()
    warehouse = Warehouse(settings.warehouse)
    found = handing_over.hand_over(settings, warehouse, outbox, NOW, held=lambda: {"held"}, campaigns=[])
    assert found.sent.accepted == 100
    assert outbox.counts() == {("hello", "accepted"): 100, ("held", "planned"): 100}


def test_a_workers_refused_key_is_the_reason_that_is_given(tmp_path: Path, fake: FakeSendGrid) -> None:
    url = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    plan(Outbox(url), [payload(1)])
    wrong = {**environ(tmp_path, url, fake), "SINCERELY_SENDGRID_API_KEY": "wrong"}
    with crew(Order(NOW.isoformat()), 1, wrong) as team, pytest.raises(DeliveryError, match="SINCERELY_SENDGRID"):
        team.ended()


def test_what_a_worker_was_killed_over_before_the_request_is_planned_still(url: str, fake: FakeSendGrid) -> None:
    outbox = Outbox(url, lease=timedelta(0))
    plan(outbox, [payload(1)])
    outbox.leases.take("a worker that dies")
    recovered = outbox.leases.recover()
    assert (recovered.planned, recovered.unknown) == (0, 0)
    assert send(outbox, SendGrid(API_KEY, TEMPLATE_ID, fake.url), NOW).accepted == 1


def test_what_a_worker_was_killed_over_during_the_request_is_unknown(url: str, fake: FakeSendGrid) -> None:
    outbox = Outbox(url, lease=timedelta(0))
    plan(outbox, [payload(1)])
    lease = outbox.leases.take("a worker that dies")
    assert lease
    outbox.settling.begin(lease, lease.messages, "sendgrid", False, AT)
    assert outbox.leases.recover().unknown == 1
    # Whatever the next run sends by.
    assert send(outbox, FolderEsp(Path("/nowhere")), NOW).accepted == 0


def test_a_lease_that_was_lost_gives_nothing_to_the_esp(url: str) -> None:
    outbox = Outbox(url, lease=timedelta(0))
    plan(outbox, [payload(1)])
    lost = outbox.leases.take("a worker that was asleep")
    outbox.leases.recover()
    kept = outbox.leases.take("another")
    assert lost and kept
    assert outbox.settling.begin(lost, lost.messages, "sendgrid", False, AT).going == []
    assert len(outbox.settling.begin(kept, kept.messages, "sendgrid", False, AT).going) == 1


def test_an_answer_that_comes_after_the_lease_was_lost_counts(url: str) -> None:
    outbox = Outbox(url, lease=timedelta(0))
    plan(outbox, [payload(1)])
    lease = outbox.leases.take("a worker that was asleep")
    assert lease
    outbox.settling.begin(lease, lease.messages, "sendgrid", False, AT)
    outbox.leases.recover()
    assert states(outbox) == {"unknown": 1}
    outbox.settling.settle(lease, lease.messages, Answer(), AT)
    assert states(outbox) == {"accepted": 1}


def test_a_living_workers_lease_is_renewed(url: str) -> None:
    clock = [1_000.0]
    outbox = Outbox(url, clock=lambda: clock[0], lease=timedelta(minutes=2))
    plan(outbox, [payload(1)])
    with outbox.leases.workers.joined() as worker:
        assert outbox.leases.take(worker)
        clock[0] += 100
        outbox.leases.renew(worker)
        clock[0] += 100
        outbox.leases.recover()
        assert outbox.leases.take("another") is None


def test_dead_workers_leave_no_files_and_the_living_are_not_taken_for_dead(tmp_path: Path) -> None:
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    folder = tmp_path / "outbox.sqlite.workers"
    with outbox.leases.workers.joined() as living:
        (folder / "dead").touch()
        outbox.leases.recover()
        assert [path.name for path in folder.iterdir()] == [living]
        assert outbox.leases.workers.is_dead("dead")
        assert not outbox.leases.workers.is_dead(living)
    assert list(folder.iterdir()) == []

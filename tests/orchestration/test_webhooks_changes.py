"""Which changes are written down for a webhook, and that each is written down once; on SQLite and PostgreSQL."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.errors import LockedError
from orchestration.webhooks.deliveries import Deliveries
from tests.orchestration.receiving import DAY_1, DAY_2, DAY_3, PushingHome
from tests.servers import Postgres

NOWHERE = "https://crm.example.com/hooks"


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PushingHome]:
    if request.param == "sqlite":
        yield PushingHome(tmp_path / "home")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"webhooks_{uuid.uuid4().hex}"
    server.execute(f"create database {name}")
    yield PushingHome(tmp_path / "home", outbox_url=server.url(name).replace("postgresql://", "postgresql+psycopg://"))
    server.execute(f"drop database {name} with (force)")


def written(home: PushingHome, webhook: str = "crm") -> list[tuple[str, str, str]]:
    return [
        (each.person_id, each.change, each.segment) for each in home.deliveries.open_ones(webhook, after=0, limit=100)
    ]


def test_a_new_webhook_starts_with_what_changes_after_its_first_run(home: PushingHome) -> None:
    home.configure(NOWHERE, since="now")
    home.change(("ann", "entered", "at_risk", DAY_1), ("bob", "entered", "at_risk", DAY_2))
    assert home.take(DAY_2) == 0
    home.change(("ann", "exited", "at_risk", DAY_3))
    assert home.take(DAY_3) == 1
    assert written(home) == [("ann", "exited", "at_risk")]


def test_since_the_beginning_replays_all_that_ever_changed_in_its_order(home: PushingHome) -> None:
    home.configure(NOWHERE, since="beginning")
    home.change(
        ("bob", "exited", "at_risk", DAY_2), ("bob", "entered", "at_risk", DAY_1), ("ann", "entered", "at_risk", DAY_1)
    )
    assert home.take(DAY_3) == 3
    assert written(home) == [
        ("ann", "entered", "at_risk"), ("bob", "entered", "at_risk"), ("bob", "exited", "at_risk"),
    ]  # fmt: skip


def test_who_moves_between_segments_at_one_instant_leaves_first(home: PushingHome) -> None:
    home.configure(NOWHERE)
    home.change(("ann", "entered", "at_risk", DAY_1), ("ann", "exited", "highly_engaged", DAY_1))
    home.take(DAY_1)
    assert written(home) == [("ann", "exited", "highly_engaged"), ("ann", "entered", "at_risk")]


def test_nothing_is_written_down_twice(home: PushingHome) -> None:
    home.configure(NOWHERE)
    home.change(("ann", "entered", "at_risk", DAY_1))
    assert [home.take(DAY_2) for _ in range(3)] == [1, 0, 0]
    standing = home.deliveries.standing("crm")
    assert standing is not None
    # As if the note of what was taken were lost: the same change has the same id.
    home.deliveries.stand(dataclasses.replace(standing, taken_to=DAY_1.replace(tzinfo=None) - timedelta(days=9)))
    home.take(DAY_2)
    assert written(home) == [("ann", "entered", "at_risk")]


def test_a_run_that_looks_at_the_past_tells_nobody(home: PushingHome) -> None:
    home.configure(NOWHERE)
    home.take(DAY_3)
    home.change(("ann", "entered", "at_risk", DAY_2))
    assert (home.take(DAY_2), home.take(DAY_3)) == (0, 0)
    assert written(home) == []


def test_what_several_runs_found_while_no_webhook_ran_is_taken_together(home: PushingHome) -> None:
    home.configure(NOWHERE, since="now")
    home.take(DAY_1)
    home.change(("ann", "entered", "at_risk", DAY_2), ("ann", "exited", "at_risk", DAY_3))
    assert home.take(DAY_3) == 2


def test_each_webhook_gets_its_segments_and_changes_under_ids_of_its_own(home: PushingHome) -> None:
    home.change(
        ("ann", "entered", "at_risk", DAY_1),
        ("ann", "exited", "at_risk", DAY_2),
        ("ann", "exited", "highly_engaged", DAY_2),
    )
    home.configure(NOWHERE, NOWHERE, segments=["at_risk"], changes=["exited"])
    home.take(DAY_2)
    assert written(home) == written(home, "crm_2") == [("ann", "exited", "at_risk")]
    (one,), (other,) = (home.deliveries.open_ones(name, 0, 9) for name in ("crm", "crm_2"))
    assert one.id != other.id
    assert "." not in one.id


def test_later_changes_come_after_those_that_wait(home: PushingHome) -> None:
    home.configure(NOWHERE)
    for day, change in ((DAY_1, "entered"), (DAY_2, "exited"), (DAY_3, "entered")):
        home.change(("ann", change, "at_risk", day))
        home.take(day)
    found = home.deliveries.open_ones("crm", 0, 9)
    assert [each.change for each in found] == ["entered", "exited", "entered"]
    assert [each.position for each in found] == [1, 2, 3]
    assert [each.position for each in home.deliveries.open_ones("crm", after=1, limit=1)] == [2]


def test_an_outcome_is_kept_and_what_is_done_is_not_open(home: PushingHome) -> None:
    home.configure(NOWHERE)
    home.change(*((f"p{number}", "entered", "at_risk", DAY_1) for number in range(4)))
    home.take(DAY_1)
    at = DAY_2.replace(tzinfo=None)
    found = home.deliveries.open_ones("crm", 0, 9)
    home.deliveries.record(
        [
            dataclasses.replace(found[0], state="delivered", attempts=1, last_status=200, delivered_at=at),
            dataclasses.replace(found[1], state="failed", attempts=2, last_status=500, next_attempt_at=at),
            dataclasses.replace(found[2], state="given_up", attempts=3, last_error="answered 404 Not Found"),
        ]
    )
    assert home.counts() == {"delivered": 1, "failed": 1, "given_up": 1, "waiting": 1}
    assert [(each.state, each.attempts) for each in home.deliveries.open_ones("crm", 0, 9)] == [
        ("failed", 2), ("waiting", 0),
    ]  # fmt: skip
    assert [each.last_error for each in home.deliveries.troubled("crm", 9)] == [None, "answered 404 Not Found"]


def test_two_machines_with_one_server_do_not_deliver_at_the_same_time(home: PushingHome) -> None:
    with home.deliveries.alone():
        if "postgresql" in home.settings.outbox_url:
            with pytest.raises(LockedError, match="Another machine"), Deliveries(home.settings.outbox_url).alone():
                pass
    with Deliveries(home.settings.outbox_url).alone():
        pass

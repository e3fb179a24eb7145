"""Telling a receiver, over real HTTP: what each answer means, in what order, and what waits."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.webhooks import delivering
from tests.orchestration.receiving import (
    DAY_1,
    DAY_2,
    SECRET_ENV,
    SIGNING_SECRET,
    Crm,
    PushingHome,
    Reply,
    TestClock,
    closed_port,
    receiving,
)  # fmt: skip

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def crm(clock: TestClock) -> Iterator[Crm]:
    with receiving(clock) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, clock: TestClock, monkeypatch: pytest.MonkeyPatch) -> PushingHome:
    monkeypatch.setenv(SECRET_ENV, SIGNING_SECRET)
    return PushingHome(tmp_path / "home", clock)


def entered(home: PushingHome, *people: str) -> None:
    home.change(*((person, "entered", "at_risk", DAY_1) for person in people))
    home.take(DAY_1)


def people(count: int) -> list[str]:
    return [f"p{number:04d}" for number in range(count)]


def test_a_change_is_told_once_signed_and_without_an_address(home: PushingHome, crm: Crm) -> None:
    home.know({"ann": (["c9", "c10"], "ann@example.com")})
    home.configure(crm.url)
    entered(home, "ann")
    (pushed,) = home.tell()
    assert (pushed.delivered, pushed.problem) == (1, "")
    (payload,) = crm.took
    assert len(payload.pop("id")) == 64
    assert payload == {
        "type": "segment.entered", "segment": "at_risk", "person_id": "ann", "contact_ids": ["c10", "c9"],
        "changed_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    assert crm.paths == ["/hooks?source=sincerely"]
    assert home.tell()[0].delivered == 0
    assert len(crm.seen) == 1
    assert crm.unsigned == []


def test_an_address_goes_out_only_where_the_webhook_asks_for_it(home: PushingHome, crm: Crm) -> None:
    home.know({"ann": ([], "ann@example.com")})
    home.configure(crm.url, include=["email"])
    entered(home, "ann", "bob")
    home.tell()
    assert {payload["person_id"]: payload["email"] for payload in crm.took} == {"ann": "ann@example.com", "bob": None}


def test_no_address_is_kept_beside_the_deliveries(home: PushingHome, crm: Crm) -> None:
    home.know({"ann": (["contact-of-ann"], "ann@example.com")})
    home.configure(crm.url, include=["email"])
    crm.behave = lambda payload: Reply(422, body=json.dumps(payload).encode())
    entered(home, "ann")
    home.tell()
    kept = b"".join(path.read_bytes() for path in home.path.glob("outbox.sqlite*"))
    assert b"at_risk" in kept
    assert b"ann@example.com" not in kept
    assert b"contact-of-ann" not in kept


def test_a_wrong_secret_is_refused_by_the_receiver_and_nothing_is_lost(
    home: PushingHome, crm: Crm, monkeypatch: pytest.MonkeyPatch, clock: TestClock
) -> None:
    home.configure(crm.url, connections=1)
    entered(home, *people(100))
    monkeypatch.setenv(SECRET_ENV, SIGNING_SECRET.replace("YS1r", "YS1s"))
    (pushed,) = home.tell()
    assert pushed.problem == "breaks off for this run: the receiver answered 401 Unauthorized"
    assert pushed.delivered == 0
    assert set(crm.unsigned) == {"another signature"}
    assert len(crm.unsigned) <= 20
    monkeypatch.setenv(SECRET_ENV, SIGNING_SECRET)
    clock.ahead += HOUR
    assert home.tell()[0].delivered == 100


def test_a_secret_that_is_not_set_sends_nothing_and_loses_nothing(
    home: PushingHome, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(crm.url)
    entered(home, "ann")
    monkeypatch.delenv(SECRET_ENV)
    assert home.tell()[0].problem.startswith(f"cannot sign: the environment variable {SECRET_ENV} is not set")
    assert (crm.seen, crm.unsigned) == ([], [])
    assert home.counts() == {"waiting": 1}


@pytest.mark.parametrize(
    "reply",
    [Reply(500), Reply(503), Reply(429), Reply(fault="drop"), Reply(404), Reply(302, {"Location": "/elsewhere"})],
    ids=str,
)
def test_what_fails_once_is_tried_again_shortly_under_the_same_id(home: PushingHome, crm: Crm, reply: Reply) -> None:
    home.configure(crm.url)
    crm.behave = lambda payload: reply if len(crm.seen) == 1 else Reply()
    entered(home, "ann")
    assert home.tell()[0].delivered == 1
    assert len(crm.seen) == 2
    assert len(set(crm.ids())) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(500), "answered 500 Internal Server Error"),
        (Reply(302, {"Location": "/elsewhere"}), "answered 302 Found, and redirects are not followed"),
        (Reply(404), "answered 404 Not Found"),
        (Reply(299 + 300), "answered 599"),
        (Reply(fault="drop"), "cannot be reached, or broke off"),
        (Reply(hang_seconds=1), "did not answer within 0.2 seconds"),
        (Reply(fault="trickle"), "did not answer within 0.2 seconds"),
    ],
    ids=str,
)
def test_what_keeps_failing_waits_longer_and_longer_for_the_next_run(
    home: PushingHome, crm: Crm, clock: TestClock, reply: Reply, words: str
) -> None:
    home.configure(crm.url, timeout_seconds=0.2)
    crm.behave = lambda payload: reply
    entered(home, "ann")
    (pushed,) = home.tell()
    assert (pushed.delivered, pushed.failed) == (0, 1)
    assert words in pushed.problem
    # It is not due: another run makes no attempt.
    home.tell()
    assert len(crm.seen) == 2
    (waiting,) = home.deliveries.open_ones("crm", 0, 9)
    assert (waiting.state, waiting.attempts) == ("failed", 2)
    assert waiting.next_attempt_at is not None
    assert words in (waiting.last_error or "")
    crm.behave = lambda payload: Reply()
    clock.ahead += HOUR
    assert home.tell()[0].delivered == 1
    assert {payload["id"] for payload in crm.took} == set(crm.ids())


def test_a_good_answer_counts_whatever_its_body_is(home: PushingHome, crm: Crm) -> None:
    bodies = {"p0000": b"", "p0001": b"x" * 200_000, "p0002": b"not json"}
    home.configure(crm.url, connections=1)
    crm.behave = lambda payload: Reply(202, body=bodies[payload["person_id"]])
    entered(home, *bodies)
    assert home.tell()[0].delivered == 3
    assert len(crm.seen) == 3


def test_a_receiver_that_closes_each_connection_is_served_all_the_same(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url)
    crm.behave = lambda payload: Reply(headers={"Connection": "close"})
    entered(home, *people(50))
    assert home.tell()[0].delivered == 50
    assert len(crm.seen) == 50


@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_is_refused_is_given_up_after_three_attempts_and_holds_nobody_else_up(
    home: PushingHome, crm: Crm, clock: TestClock, status: int
) -> None:
    home.configure(crm.url)
    crm.behave = lambda payload: Reply(status if payload["person_id"] < "p0060" else 200)
    entered(home, *people(100))
    assert home.tell()[0].delivered == 40
    clock.ahead += HOUR
    assert home.tell()[0].given_up == 60
    assert home.counts() == {"delivered": 40, "given_up": 60}
    assert len(crm.seen) == 40 + 60 * 3


def test_what_keeps_failing_is_given_up_after_the_attempts_that_are_allowed(
    home: PushingHome, crm: Crm, clock: TestClock
) -> None:
    home.configure(crm.url, max_attempts=4)
    crm.behave = lambda payload: Reply(500)
    entered(home, "ann")
    home.change(("ann", "exited", "at_risk", DAY_2))
    home.take(DAY_2)
    for _ in range(3):
        home.tell()
        clock.ahead += 24 * HOUR
    assert crm.ids().count(crm.ids()[0]) == 4
    assert home.counts()["given_up"] == 1
    crm.behave = lambda payload: Reply()
    home.tell()
    # The later change is told once the earlier one is given up.
    assert crm.told("ann") == [("at_risk", "exited")]


def test_retry_after_is_honoured_by_the_whole_webhook(home: PushingHome, crm: Crm, clock: TestClock) -> None:
    home.configure(crm.url, connections=1)
    crm.behave = lambda payload: Reply(429, {"Retry-After": "1800"}) if len(crm.seen) == 5 else Reply()
    entered(home, *people(20))
    (pushed,) = home.tell()
    assert pushed.delivered == 4
    assert "as the receiver asked for" in pushed.problem
    clock.ahead += HOUR / 4
    assert home.tell()[0].problem.startswith("waits until")
    assert len(crm.seen) == 5
    clock.ahead += HOUR / 4
    assert home.tell()[0].delivered == 16


def test_retry_after_may_be_a_date_and_is_not_waited_for_without_end(
    home: PushingHome, crm: Crm, clock: TestClock
) -> None:
    home.configure(crm.url)
    far = clock.now() + timedelta(days=400)
    crm.behave = lambda payload: Reply(503, {"Retry-After": format_datetime(far.astimezone(), usegmt=False)})
    entered(home, "ann")
    home.tell()
    crm.behave = lambda payload: Reply()
    clock.ahead += 23 * HOUR
    assert home.tell()[0].delivered == 0
    clock.ahead += 2 * HOUR
    assert home.tell()[0].delivered == 1


def test_a_short_retry_after_is_sat_out(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url)
    crm.behave = lambda payload: Reply(429, {"Retry-After": "1"}) if len(crm.seen) <= 8 else Reply()
    entered(home, *people(40))
    (pushed,) = home.tell()
    assert (pushed.delivered, pushed.problem) == (40, "")


def test_gone_stops_the_webhook_until_a_person_says_so(home: PushingHome, crm: Crm, clock: TestClock) -> None:
    home.configure(crm.url, connections=1)
    crm.behave = lambda payload: Reply(410) if len(crm.seen) >= 3 else Reply()
    entered(home, *people(10))
    assert home.tell()[0].problem.startswith("is stopped: the receiver answered 410 Gone and wants no more")
    assert len(crm.seen) == 3
    clock.ahead += 240 * HOUR
    crm.behave = lambda payload: Reply()
    assert home.tell()[0].problem.startswith("is stopped since")
    assert len(crm.seen) == 3
    # What changes meanwhile is not lost.
    home.change(("late", "entered", "at_risk", DAY_2))
    assert home.take(DAY_2) == 1
    home.deliveries.retry("crm")
    assert home.tell()[0].delivered == 9


def test_a_receiver_that_is_down_is_not_asked_for_each_change(home: PushingHome, clock: TestClock) -> None:
    home.configure(f"http://127.0.0.1:{closed_port()}/")
    entered(home, *people(500))
    (pushed,) = home.tell()
    assert pushed.problem.startswith("breaks off for this run: the receiver cannot be reached")
    attempts = sum(each.attempts for each in home.deliveries.open_ones("crm", 0, 500))
    assert 10 <= attempts <= 40
    clock.ahead += HOUR
    home.tell()
    again = sum(each.attempts for each in home.deliveries.open_ones("crm", 0, 500))
    assert again - attempts <= 4
    assert home.counts()["waiting"] > 400


def test_a_receiver_that_is_back_gets_all_that_waited(home: PushingHome, crm: Crm, clock: TestClock) -> None:
    home.configure(crm.url)
    crm.behave = lambda payload: Reply(503)
    entered(home, *people(200))
    home.tell()
    crm.behave = lambda payload: Reply()
    clock.ahead += HOUR
    (pushed,) = home.tell()
    assert (pushed.delivered, pushed.problem) == (200, "")
    assert crm.most_at_once > 1


def test_one_receiver_that_is_down_does_not_hold_up_another(home: PushingHome, crm: Crm) -> None:
    home.configure(f"http://127.0.0.1:{closed_port()}/", crm.url)
    entered(home, *people(30))
    down, well = home.tell()
    assert (down.delivered, well.delivered) == (0, 30)
    assert down.problem
    assert not well.problem


def test_different_people_are_told_at_the_same_time_and_no_more_than_allowed(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url, connections=3)
    crm.behave = lambda payload: Reply(hang_seconds=0.01)
    entered(home, *people(60))
    home.tell()
    assert crm.most_at_once == 3


def test_a_run_ends_in_its_time_and_the_next_takes_up_the_rest(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url, connections=1)
    crm.behave = lambda payload: Reply(hang_seconds=0.05)
    entered(home, *people(100))
    (pushed,) = home.tell(run_time=timedelta(seconds=0.5))
    assert 0 < pushed.delivered < 100
    assert pushed.problem == "has more to tell than one run may take"
    crm.behave = lambda payload: Reply()
    home.tell()
    assert home.counts() == {"delivered": 100}
    assert len(crm.took) == 100


def test_more_than_fit_one_look_are_told_in_order(home: PushingHome, crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "_CHUNK", 7)
    home.configure(crm.url)
    home.change(*((person, "entered", "at_risk", DAY_1) for person in people(30)))
    home.change(*((person, "exited", "at_risk", DAY_2) for person in people(30)))
    home.take(DAY_2)
    crm.behave = lambda payload: Reply(503 if payload["person_id"] == "p0003" else 200)
    assert home.tell()[0].delivered == 58
    assert all(crm.told(person) == [("at_risk", "entered"), ("at_risk", "exited")] for person in people(30)[4:])
    assert {payload["type"] for payload in crm.seen if payload["person_id"] == "p0003"} == {"segment.entered"}


def test_a_person_who_was_merged_is_told_of_in_order_and_by_the_contacts_that_they_have_now(
    home: PushingHome, crm: Crm, clock: TestClock
) -> None:
    home.configure(crm.url)
    entered(home, "young")
    crm.behave = lambda payload: Reply(500)
    home.tell()
    home.know({"old": (["c1", "c2"], None)})
    home.merge({"young": "old"})
    home.change(("old", "exited", "at_risk", DAY_2))
    home.take(DAY_2)
    home.tell()
    assert {payload["person_id"] for payload in crm.seen} == {"young"}
    crm.behave = lambda payload: Reply()
    clock.ahead += HOUR
    home.tell()
    assert [(payload["person_id"], payload["contact_ids"]) for payload in crm.took] == [
        ("young", ["c1", "c2"]), ("old", ["c1", "c2"]),
    ]  # fmt: skip


def test_retrying_tells_again_what_was_given_up_but_nothing_that_would_undo_a_later_change(
    home: PushingHome, crm: Crm
) -> None:
    home.configure(crm.url, max_attempts=1)
    crm.behave = lambda payload: Reply(200 if payload["type"] == "segment.exited" else 404)
    entered(home, "ann", "bob")
    home.change(("bob", "exited", "at_risk", DAY_2))
    home.take(DAY_2)
    home.tell()
    assert home.counts() == {"given_up": 2, "delivered": 1}
    crm.behave = lambda payload: Reply()
    retried = home.deliveries.retry("crm")
    assert (retried.in_line, retried.outdated) == (1, 1)
    assert home.tell()[0].delivered == 1
    assert (crm.told("ann"), crm.told("bob")) == ([("at_risk", "entered")], [("at_risk", "exited")])


def test_a_disk_that_fails_ends_the_run_with_its_words_and_tells_no_later_change(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url)
    entered(home, *people(20))
    home.change(*((person, "exited", "at_risk", DAY_2) for person in people(20)))
    home.take(DAY_2)
    with sqlite3.connect(home.path / "outbox.sqlite") as connection:
        connection.execute(
            "create trigger full before update on webhook_deliveries begin select raise(fail, 'disk is full'); end"
        )
    with pytest.raises(Exception, match="disk is full"):
        home.tell()
    assert {payload["type"] for payload in crm.seen} == {"segment.entered"}
    with sqlite3.connect(home.path / "outbox.sqlite") as connection:
        connection.execute("drop trigger full")
    assert home.tell()[0].delivered == 40
    assert len(set(crm.ids())) == 40


@pytest.mark.long
def test_ten_thousand_changes_are_told_once_each_and_in_order(home: PushingHome, crm: Crm) -> None:
    home.configure(crm.url)
    home.change(
        *(
            (person, "exited" if turn % 2 else "entered", "at_risk", DAY_1 + timedelta(minutes=turn))
            for turn in range(5)
            for person in people(2_000)
        )
    )
    assert home.take(DAY_2) == 10_000
    (pushed,) = home.tell()
    assert (pushed.delivered, pushed.problem) == (10_000, "")
    assert len(crm.seen) == len(set(crm.ids())) == 10_000
    latest: dict[str, str] = {}
    for payload in crm.took:
        assert latest.get(payload["person_id"], "") < payload["changed_at"]
        latest[payload["person_id"]] = payload["changed_at"]


def history(draw: random.Random, count: int) -> list[tuple[str, str, str, Any]]:
    """Random entries and exits of many people in three segments over three days."""
    changes, inside = [], set()
    for step in range(count):
        person, segment = f"p{draw.randrange(40):02d}", draw.choice(["at_risk", "highly_engaged", "repeat_buyers"])
        change = "exited" if (person, segment) in inside else "entered"
        inside ^= {(person, segment)}
        changes.append((person, change, segment, DAY_1 + timedelta(seconds=step)))
    return changes


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 120), *(pytest.param(seed, 600, marks=pytest.mark.long) for seed in range(1, 8))]
)
def test_each_person_is_told_of_in_order_whatever_fails(
    home: PushingHome, crm: Crm, clock: TestClock, seed: int, count: int
) -> None:
    draw = random.Random(seed)
    faults = [Reply(500), Reply(429), Reply(404), Reply(302), Reply(fault="drop"), Reply(hang_seconds=0.3),
              Reply(503, {"Retry-After": "60"})]  # fmt: skip
    crm.behave = lambda payload: draw.choice(faults) if draw.random() < 0.3 else Reply(body=b"" if seed % 2 else b"{}")
    home.configure(crm.url, timeout_seconds=0.2, max_attempts=50)
    changes = history(draw, count)
    for part in range(3):
        first, last = count * part // 3, count * (part + 1) // 3
        home.change(*changes[first:last])
        home.take(changes[last - 1][3])
        home.tell(seed=seed)
        clock.ahead += HOUR * draw.uniform(0, 3)
    while home.deliveries.open_ones("crm", 0, 1):
        clock.ahead += 13 * HOUR
        home.tell(seed=seed)
    counts = home.counts()
    assert counts.keys() <= {"delivered", "given_up"}
    assert sum(counts.values()) == count
    given_up = {each.id for each in home.deliveries.troubled("crm", count)}
    for person in {change[0] for change in changes}:
        mine = [payload for payload in crm.seen if payload["person_id"] == person]
        # Every change is tried, the first time in order; no change is tried again after a later one was.
        first_tries = {payload["id"]: (payload["segment"], payload["type"]) for payload in mine}
        assert list(first_tries.values()) == [
            (segment, f"segment.{change}") for who, change, segment, _ in changes if who == person
        ]
        assert [payload["changed_at"] for payload in mine] == sorted(payload["changed_at"] for payload in mine)
        assert first_tries.keys() - given_up <= {payload["id"] for payload in crm.took}

"""Messages that wait for their person's hour: when that is, that they wait, and what they say no longer counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from orchestration import dbt
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.quiet_hours import quiet_until
from orchestration.delivery.sender import send
from orchestration.landing import files
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from rendering.parts import SendAt
from tests.building import run_dbt
from tests.orchestration.test_outbox import payload
from tests.servers import Postgres

NOW = datetime(2018, 1, 1, 7, 30, tzinfo=UTC)
AT_ANY_HOUR = SendAt()
AT_NINE = NOW.replace(hour=9, minute=0)
_COMPILED_AT = datetime(1999, 9, 9, 9, 9, 9, 999_999)
_MODELS = ("person_clocks", "send_clocks", "message_hours")
_WORLD = """
create schema core;
create schema ml;
create schema raw;
create table core.people (person_id varchar);
create table core.contacts (
    contact_id varchar, person_id varchar, timezone varchar, signed_up_at timestamp, updated_at timestamp
);
create table ml.send_times (person_id varchar, best_hour int);
create table core.message_audience (
    message_id varchar, person_id varchar, exclusion_reason varchar, is_planned boolean, step_due_at timestamp,
    step_deadline_at timestamp, deferred_due_at timestamp, lifetime_seconds bigint, quiet_from_hour bigint,
    quiet_until_hour bigint, send_from_hour bigint, send_until_hour bigint
);
insert into core.people values ('p');
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The models' SQL, as of an instant that the tests replace."""
    settings = load_settings({"SINCERELY_HOME": str(tmp_path_factory.mktemp("compiled"))})
    run_dbt(
        [
            "compile", "--select", *_MODELS, "--project-dir", str(dbt.DBT_PROJECT),
            "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(_COMPILED_AT),
        ],
        dbt.build_environment(settings),
    )  # fmt: skip
    return {
        model: next((dbt.target_path(settings) / "compiled").rglob(f"{model}.sql")).read_text() for model in _MODELS
    }


@pytest.fixture
def not_before(compiled: dict[str, str]) -> Callable[..., datetime]:
    """The instant that the models find for one person, in whose campaign no hour is quiet unless it is said."""

    def found(
        zone: str,
        best_hour: int | None,
        as_of: str,
        window: SendAt | None = AT_ANY_HOUR,
        quiet: tuple[int, int] = (0, 0),
    ) -> datetime:
        hours = (window.from_hour, window.until_hour) if window else (None, None)
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
            connection.execute(_WORLD)
            connection.execute("insert into core.contacts values ('c', 'p', ?, timestamp '2000-01-01', null)", [zone])
            if best_hour is not None:
                connection.execute("insert into ml.send_times values ('p', ?)", [best_hour])
            connection.execute(
                "insert into core.message_audience values ('m', 'p', null, false, null, null, null, null, ?, ?, ?, ?)",
                [*quiet, *hours],
            )
            for model, sql in compiled.items():
                at = sql.replace(f"{_COMPILED_AT:%Y-%m-%d %H:%M:%S.%f}", as_of)
                connection.execute(f"create table core.{model} as {at}")
            (row,) = connection.execute("select not_before from core.message_hours").fetchall()
        return row[0]

    return found


@pytest.mark.parametrize(
    ("zone", "as_of", "then"),
    [
        ("Europe/Berlin", "2018-01-01 19:59:59", None),
        ("Europe/Berlin", "2018-01-01 20:00:00", "2018-01-02 07:00:00"),
        ("Europe/Berlin", "2018-01-02 06:59:59", "2018-01-02 07:00:00"),
        ("Europe/Berlin", "2018-01-02 07:00:00", None),
        # The night in which the clocks go forward is an hour shorter, and that in which they go back is longer.
        ("Europe/Berlin", "2018-03-24 21:00:00", "2018-03-25 06:00:00"),
        ("Europe/Berlin", "2018-10-27 20:00:00", "2018-10-28 07:00:00"),
        ("Asia/Kolkata", "2018-01-01 15:29:59", None),
        ("Asia/Kolkata", "2018-01-01 15:30:00", "2018-01-02 02:30:00"),
        ("Asia/Kathmandu", "2018-01-01 18:20:00", "2018-01-02 02:15:00"),
        # Nobody knows when it is night on Mars.
        ("Mars/Olympus", "2018-01-01 03:00:00", None),
    ],
)
def test_what_falls_into_the_night_of_a_persons_own_clock_leaves_in_the_morning(
    not_before: Callable[..., datetime], zone: str, as_of: str, then: str | None
) -> None:
    expected = datetime.fromisoformat(then) if then else None
    assert not_before(zone, None, as_of, window=None, quiet=(21, 8)) == expected
    assert quiet_until(f"21-8 {zone}", datetime.fromisoformat(as_of)) == expected


def test_quiet_hours_that_end_in_the_hour_that_the_clocks_skip_end_when_they_do(
    not_before: Callable[..., datetime],
) -> None:
    found = not_before("America/New_York", None, "2016-03-13 05:30:00", window=None, quiet=(0, 2))
    assert found == datetime(2016, 3, 13, 7)
    assert quiet_until("0-2 America/New_York", datetime(2016, 3, 13, 5, 30)) == found


@pytest.mark.parametrize(
    ("zone", "best_hour", "as_of", "then"),
    [
        ("UTC", 9, "2018-01-01 07:30:00", "2018-01-01 09:00:00"),
        ("UTC", 9, "2018-01-01 09:00:00", "2018-01-01 09:00:00"),
        ("UTC", 9, "2018-01-01 09:59:59", "2018-01-01 09:59:59"),
        ("UTC", 9, "2018-01-01 10:00:00", "2018-01-02 09:00:00"),
        ("Asia/Kolkata", 9, "2018-01-01 00:00:00", "2018-01-01 03:30:00"),
        ("Asia/Kathmandu", 0, "2018-01-01 00:00:00", "2018-01-01 18:15:00"),
        ("Mars/Olympus", 9, "2018-01-01 00:00:00", "2018-01-01 09:00:00"),
        # 2 o'clock is skipped in New York, then 1 o'clock comes twice.
        ("America/New_York", 2, "2016-03-13 05:00:00", "2016-03-13 07:00:00"),
        ("America/New_York", 9, "2016-03-13 05:00:00", "2016-03-13 13:00:00"),
        ("America/New_York", 1, "2016-11-06 04:00:00", "2016-11-06 05:00:00"),
        ("America/New_York", 1, "2016-11-06 06:10:00", "2016-11-06 06:10:00"),
        ("America/New_York", 9, "2016-11-06 04:00:00", "2016-11-06 14:00:00"),
        # Just after 0 o'clock of the longer day, that hour is 25 hours away.
        ("America/New_York", 0, "2016-11-06 05:00:00", "2016-11-07 05:00:00"),
    ],
)
def test_a_message_waits_for_the_next_time_that_it_is_the_persons_hour_on_their_own_clock(
    not_before: Callable[..., datetime], zone: str, best_hour: int, as_of: str, then: str
) -> None:
    assert not_before(zone, best_hour, as_of) == datetime.fromisoformat(then)


@pytest.mark.parametrize(
    ("best_hour", "then"),
    [
        (3, "2018-01-02 08:00:00"),
        (22, "2018-01-02 19:00:00"),
        (19, "2018-01-02 19:00:00"),
        (None, "2018-01-02 19:00:00"),
    ],
)
def test_an_hour_outside_the_campaigns_is_the_next_one_inside(
    not_before: Callable[..., datetime], best_hour: int | None, then: str
) -> None:
    assert not_before("UTC", best_hour, "2018-01-01 21:00:00", SendAt(8, 20)) == datetime.fromisoformat(then)


def test_of_whom_nothing_is_known_yet_gets_it_at_once(not_before: Callable[..., datetime]) -> None:
    assert not_before("UTC", None, "2018-01-01 11:12:13", SendAt(8, 20)) == datetime(2018, 1, 1, 11, 12, 13)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'outbox.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"send_at_{abs(hash(request.node.name))}"
    server.execute(f"create database {name}")
    yield server.url(name).replace("postgresql://", "postgresql+psycopg://")
    server.execute(f"drop database {name} with (force)")


def planned(number: int, not_before: datetime | None, quiet_hours: str | None = None) -> Planned:
    hour = not_before.replace(tzinfo=None) if not_before else None
    return Planned(
        f"m{number}", "hello", "once", f"p{number}", None, payload=payload(number), not_before=hour,
        expires_at=datetime(2018, 1, 3), quiet_hours=quiet_hours,
    )  # fmt: skip


def handed_over(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.rglob("*.eml"))


def test_a_message_is_handed_over_by_the_first_run_at_or_after_its_hour_and_not_before(
    url: str, tmp_path: Path
) -> None:
    outbox, esp = Outbox(url), FolderEsp(tmp_path / "mail")
    outbox.plan([planned(1, AT_NINE), planned(2, None), planned(3, AT_NINE + timedelta(hours=1))], NOW)
    assert outbox.waiting(NOW) == {"hello": (2, AT_NINE.replace(tzinfo=None))}

    assert send(outbox, esp, NOW).accepted == 1
    assert send(outbox, esp, AT_NINE - timedelta(microseconds=1)).accepted == 0
    assert handed_over(tmp_path / "mail") == ["m2"]
    assert send(outbox, esp, AT_NINE).accepted == 1
    assert handed_over(tmp_path / "mail") == ["m1", "m2"]
    assert send(outbox, esp, AT_NINE + timedelta(days=1)).accepted == 1
    assert outbox.waiting(NOW) == {}


def test_what_is_handed_over_later_than_planned_waits_for_the_end_of_the_persons_night(
    url: str, tmp_path: Path
) -> None:
    outbox, esp = Outbox(url), FolderEsp(tmp_path / "mail")
    nights = ("21-8 Asia/Tokyo", "21-8 America/New_York", None, "12-14 UTC")
    outbox.plan([planned(number, None, hours) for number, hours in enumerate(nights, 1)], NOW)

    # It was paused over the day: in Tokyo it is night by then, and in New York morning.
    evening = datetime(2018, 1, 1, 13, tzinfo=UTC)
    assert send(outbox, esp, evening).accepted == 2
    assert handed_over(tmp_path / "mail") == ["m2", "m3"]
    assert outbox.waiting(evening) == {"hello": (2, datetime(2018, 1, 1, 14))}

    assert send(outbox, esp, evening + timedelta(hours=1)).accepted == 1
    assert send(outbox, esp, datetime(2018, 1, 1, 22, 59, tzinfo=UTC)).accepted == 0
    assert send(outbox, esp, datetime(2018, 1, 1, 23, tzinfo=UTC)).accepted == 1
    assert outbox.waiting(NOW) == {}


def test_what_comes_too_late_for_its_lifetime_again_and_again_at_night_expires(url: str, tmp_path: Path) -> None:
    outbox, esp = Outbox(url), FolderEsp(tmp_path / "mail")
    outbox.plan([planned(1, None, "21-8 UTC")], NOW)

    for day in (1, 2, 3):
        assert send(outbox, esp, datetime(2018, 1, day, 23, tzinfo=UTC)).accepted == 0

    (found,) = outbox.read_all().read_all().to_pylist()
    assert (found["state"], found["error"]) == ("rejected", "expired")


def test_who_withdraws_while_a_message_waits_does_not_get_it(url: str, tmp_path: Path) -> None:
    outbox, esp = Outbox(url), FolderEsp(tmp_path / "mail")
    outbox.plan([planned(1, AT_NINE), planned(2, AT_NINE)], NOW)

    sent = send(outbox, esp, AT_NINE, revoked={"m1": "no_consent"})

    assert (sent.accepted, sent.withdrawn) == (1, 1)
    assert handed_over(tmp_path / "mail") == ["m2"]
    found = {row["message_id"]: (row["state"], row["error"]) for row in outbox.read_all().read_all().to_pylist()}
    assert found["m1"] == ("rejected", "no_consent")
    assert send(outbox, esp, AT_NINE, revoked={"m2": "no_consent"}).withdrawn == 0


def test_an_outbox_of_an_earlier_version_is_taken_over_with_what_is_planned_in_it(url: str, tmp_path: Path) -> None:
    Outbox(url).plan([planned(1, None)], NOW)
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("alter table messages drop column not_before"))

    outbox = Outbox(url)
    outbox.plan([planned(2, AT_NINE)], NOW)

    assert send(outbox, FolderEsp(tmp_path / "mail"), NOW).accepted == 1
    assert outbox.waiting(NOW)["hello"][0] == 1


def test_before_the_first_night_delivery_finds_no_send_times_and_not_no_table(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    files.prepare(warehouse)
    assert warehouse.rows("select person_id, best_hour from ml.send_times") == []

"""Stages hang on events alone: a rebuild tells the history that any series of runs saw, each with the right stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestration import dbt
from orchestration.settings import load_settings
from tests.building import run_dbt

START = datetime(2015, 12, 25)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SUBSCRIPTION_ACTS = (
    "subscription_cancelled", "payment_failed", "trial_started", "subscription_started", "payment_succeeded",
)  # fmt: skip
SHORT = {
    "new_customer_days": 3, "repeat_buyer_days": 5, "repeat_buyer_orders": 2, "lapsed_days": 7,
    "trial_days": 3, "past_due_grace_days": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that a person did; a purchase is an `order_placed`."""

    person: str
    activity: str
    at: datetime


Change = tuple[str | None, str, datetime]  # from, to, when
History = dict[str, list[Change]]


@dataclass(frozen=True)
class Rules:
    """The timeline's own SQL under a set of rules, and the numbers that it was compiled with."""

    sql: str
    numbers: dict[str, int]

    def histories(self, events: list[Event], runs: list[datetime]) -> dict[datetime, History]:
        """What each run, at its as_of, writes into the transitions.

        A person's rows hang on that person alone, so that all runs are one query: each run sees people of its own.
        """
        with duckdb.connect() as connection:
            connection.execute("attach ':memory:' as warehouse")
            connection.execute("create schema warehouse.core")
            connection.register(
                "events",
                pa.table(
                    {
                        "person": [event.person for event in events],
                        "activity": [event.activity for event in events],
                        "occurred_at": pa.array([event.at for event in events], pa.timestamp("us")),
                    }
                ),
            )
            connection.register("runs", pa.table({"as_of": pa.array(runs, pa.timestamp("us"))}))
            connection.execute("""
                create table seen as
                select person || '@' || cast(as_of as varchar) as person_id, activity, occurred_at
                from runs inner join events on events.occurred_at <= runs.as_of
            """)
            connection.execute("""
                create table warehouse.core.people as
                select person_id, min(occurred_at) as arrived_at from seen group by person_id
            """)
            connection.execute("""
                create table warehouse.core.activity as
                select *, activity <> 'ignored' as is_active_act from seen
            """)
            connection.execute("""
                create table warehouse.core.orders as
                select person_id, occurred_at as ordered_at, activity = 'order_placed' as is_purchase from seen
                where activity in ('order_placed', 'order_cancelled')
            """)
            found: dict[datetime, History] = {run: {} for run in runs}
            rows = connection.execute(f"select * from ({self.sql}) order by person_id, changed_at").fetchall()
        for person_id, from_stage, to_stage, changed_at in rows:
            person, _, at = person_id.partition("@")
            run = datetime.fromisoformat(at)
            if changed_at <= run:
                found[run].setdefault(person, []).append((from_stage, to_stage, changed_at))
        return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Rules]:
    home = tmp_path_factory.mktemp("home")

    def compile_timeline(name: str, **numbers: int) -> Rules:
        options = load_settings({"SINCERELY_HOME": str(home)})
        target = home / "target" / f"{name}-{len(numbers)}"
        run_dbt(
            [
                "compile", "--select", "lifecycle_timeline", "--project-dir", str(dbt.DBT_PROJECT),
                "--target-path", str(target), "--vars",
                dbt.variables(datetime(1970, 1, 1), lifecycle_rules=name, **numbers),
            ],
            dbt.build_environment(options),
        )  # fmt: skip
        (file,) = target.glob("compiled/**/lifecycle_timeline.sql")
        return Rules(file.read_text(encoding="utf-8"), numbers)

    return compile_timeline


@pytest.fixture(scope="module")
def retail(compiled: Callable[..., Rules]) -> Rules:
    return compiled("retail", **SHORT)


@pytest.fixture(scope="module")
def subscription(compiled: Callable[..., Rules]) -> Rules:
    return compiled("subscription", **SHORT)


def until(history: History, as_of: datetime) -> History:
    changes = {person: [change for change in rows if change[2] <= as_of] for person, rows in history.items()}
    return {person: rows for person, rows in changes.items() if rows}


def retail_stage(events: list[Event], at: datetime, numbers: dict[str, int]) -> str:
    """The definition, word for word, at one instant."""
    orders = [event.at for event in events if event.activity == "order_placed"]
    acts = [event.at for event in events if event.activity != "ignored"] + [min(event.at for event in events)]
    if at - max(acts) >= numbers["lapsed_days"] * DAY:
        return "lapsed"
    if sum(at - order < numbers["repeat_buyer_days"] * DAY for order in orders) >= numbers["repeat_buyer_orders"]:
        return "repeat_buyer"
    if orders and at - min(orders) < numbers["new_customer_days"] * DAY:
        return "new_customer"
    return "active_customer" if orders else "prospect"


def subscription_stage(events: list[Event], at: datetime, numbers: dict[str, int]) -> str:
    """The definition as a machine that is told one event after another."""
    is_open = is_cancelled = has_been = False
    trial_at = unpaid_since = None
    ordered = [event for event in events if event.activity in SUBSCRIPTION_ACTS]
    for event in sorted(ordered, key=lambda event: (event.at, SUBSCRIPTION_ACTS.index(event.activity))):
        has_been = has_been or event.activity != "payment_failed"
        match event.activity:
            case "subscription_cancelled":
                is_open, is_cancelled, trial_at = False, True, None
            case "payment_failed":
                unpaid_since = unpaid_since or (event.at if is_open else None)
            case "trial_started":
                trial_at = event.at
            case "payment_succeeded" if is_cancelled and trial_at is None:
                pass
            case _:
                is_open, is_cancelled, trial_at, unpaid_since = True, False, None, None
    if is_open and unpaid_since is None:
        return "active"
    if is_open and unpaid_since and at - unpaid_since < numbers["past_due_grace_days"] * DAY:
        return "past_due"
    if trial_at and at - trial_at < numbers["trial_days"] * DAY:
        return "trial"
    return "churned" if has_been else "prospect"


# On whole hours mostly, so that runs on the hour meet windows at their very edge.
MOMENTS = st.one_of(
    st.integers(0, 30).map(lambda days: START + days * DAY),
    st.integers(0, 30 * 24).map(lambda hours: START + hours * HOUR),
    st.integers(0, 30 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds)),
)
PEOPLE = st.sampled_from(["ada", "ben"])


_PAID_AGAIN_THEN_ONE_MORE_TRIAL = [
    Event("ada", "subscription_cancelled", START), Event("ada", "trial_started", START + DAY),
    Event("ada", "payment_succeeded", START + 2 * DAY), Event("ada", "trial_started", START + 3 * DAY),
]  # fmt: skip


def events_of(*activities: str) -> st.SearchStrategy[list[Event]]:
    return st.lists(st.builds(Event, PEOPLE, st.sampled_from(activities), MOMENTS), min_size=1, max_size=12)


def check(rules: Rules, events: list[Event], stage: Callable[[list[Event], datetime, dict[str, int]], str]) -> None:
    hourly = [START + hour * HOUR for hour in range(42 * 24)]
    edges = [event.at + timedelta(days=days) for event in events for days in {0, *SHORT.values()}]
    seconds = [edge + timedelta(seconds=off) for edge in edges for off in (-1, 1)]
    runs = sorted({*hourly, *edges, *seconds})
    found = rules.histories(events, runs)
    rebuilt = found[runs[-1]]
    for run in runs:
        assert found[run] == until(rebuilt, run)
        for person, changes in found[run].items():
            own = [event for event in events if event.person == person and event.at <= run]
            assert changes[-1][1] == stage(own, run, rules.numbers)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=events_of("order_placed", "order_placed", "order_cancelled", "page_viewed", "ignored"))
def test_every_hour_and_every_edge_has_its_retail_stage_and_no_run_rewrites_another(
    retail: Rules, events: list[Event]
) -> None:
    check(retail, events, retail_stage)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=events_of(*SUBSCRIPTION_ACTS, "page_viewed"))
@example(events=_PAID_AGAIN_THEN_ONE_MORE_TRIAL)
def test_every_hour_and_every_edge_has_its_subscription_stage_and_no_run_rewrites_another(
    subscription: Rules, events: list[Event]
) -> None:
    check(subscription, events, subscription_stage)


def a_leap_year() -> Iterator[Event]:
    """One of each kind of customer, with what happens on the leap day and at the turn of the year."""
    year = datetime(2016, 1, 1)
    for days in (0, 40, 59.999, 60, 120, 300, 365.9):
        yield Event("regular", "order_placed", year + timedelta(days=days))
    yield Event("once", "order_placed", datetime(2016, 2, 29, 23, 59, 59))
    yield Event("once", "page_viewed", datetime(2016, 8, 27, 23, 59, 59))
    yield Event("looks", "page_viewed", datetime(2016, 1, 1, 0, 0, 1))
    for months in range(1, 8):
        yield Event("pays", "payment_succeeded", datetime(2016, months, 15, 6))
    yield Event("pays", "trial_started", datetime(2016, 1, 1, 6))
    for day in (15, 18, 21):
        yield Event("pays", "payment_failed", datetime(2016, 8, day, 6))
    yield Event("leaves", "subscription_started", datetime(2016, 2, 29, 12))
    yield Event("leaves", "subscription_cancelled", datetime(2016, 12, 31, 23, 59, 59))


@pytest.mark.parametrize(("name", "changes"), [("retail", {"regular": 14}), ("subscription", {"pays": 5, "leaves": 2})])
def test_a_year_of_hourly_runs_and_one_rebuild_tell_the_same_history(
    request: pytest.FixtureRequest, name: str, changes: dict[str, int]
) -> None:
    rules: Rules = request.getfixturevalue(name)
    hourly = [datetime(2016, 1, 1) + hour * HOUR for hour in range(366 * 24 + 1)]
    found = rules.histories(list(a_leap_year()), hourly)
    rebuilt = found[hourly[-1]]
    seen: dict[str, set[Change]] = {}
    for run in hourly:
        for person, rows in found[run].items():
            seen.setdefault(person, set()).update(rows)
    assert {person: sorted(rows, key=lambda row: row[2]) for person, rows in seen.items()} == rebuilt
    assert all(found[run] == until(rebuilt, run) for run in hourly)
    assert {person: len(rebuilt[person]) for person in changes} == changes, rebuilt

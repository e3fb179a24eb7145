"""A made-up year: no step is skipped without a reason, repeated, sent out of order or sent after the exit."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from tests.journeys.oracle import walk
from tests.journeys.simulation import MODELS, Simulation
from tests.journeys.years import Life, lives, run_instants, write_journeys

# What a run said of the past stays so, whatever happens later: it is kept, and held against each later run.
_KEPT = {
    "decided": """
        select journey, person_id, entered_at, step, state, reason, decided_at
        from core.journey_steps_taken where state in ('sent', 'skipped', 'exited')
    """,
    "entries": "select journey, person_id, entry_number, entered_at from core.journey_entries",
    "exits": """
        select journey, person_id, entered_at, exited_at, exit_reason
        from core.journey_entries where exited_at is not null
    """,
}
_CAME_ABOUT = """
select trim(state || ' ' || coalesce(reason, '')), count(*) from core.journey_steps_taken group by all
union all
select 'exit ' || exit_reason, count(*) from core.journey_entries where exit_reason is not null group by all
union all
select 'entries again', count(*) from core.journey_entries where entry_number > 1
"""
_PACED = (
    "counted_messages", "audience_members", "audiences_in_doubt", "message_audience", "message_hours", "message_caps",
    "message_candidates",
)  # fmt: skip
_FAULTS = {
    "planned twice": """
        select message_id from core.message_candidates inner join raw.outbox_messages using (message_id)
        where outbox_messages.planned_at < (from lives.clock)
    """,
    "sent after the exit": """
        select * from core.journey_steps_taken as steps inner join core.journey_entries as entries
            using (journey, person_id, entered_at)
        where steps.state = 'sent' and steps.decided_at > entries.exited_at
    """,
    "due outside the journey": """
        select * from core.journey_steps_taken as steps inner join core.journey_entries as entries
            using (journey, person_id, entered_at)
        where steps.is_candidate and entries.exited_at is not null
    """,
    "sent too early or too late": """
        select * from core.journey_steps_taken inner join raw.journey_steps using (journey, step)
        where state = 'sent' and (decided_at < due_at or decided_at > due_at + to_seconds(at_most_late_seconds))
    """,
    "sent out of order": """
        select journey, person_id, entered_at from core.journey_steps_taken where state = 'sent'
        window steps as (partition by journey, person_id, entered_at order by step_number)
        qualify decided_at <= lag(decided_at) over steps
    """,
    "skipped without a reason": "from core.journey_steps_taken where state in ('skipped', 'exited') and reason is null",
    "two due at once": """
        select journey, person_id from core.journey_steps_taken where state = 'due'
        group by journey, person_id having count(*) > 1
    """,
    "in a journey twice at a time": """
        select a.* from core.journey_entries as a inner join core.journey_entries as b
            on a.journey = b.journey and a.person_id = b.person_id and a.entry_number < b.entry_number
        where a.exited_at is null or a.exited_at > b.entered_at
    """,
    # In these years nobody told a time zone: a day is one of UTC.
    "two messages in a day": """
        select person_id, cast(planned_at as date) from raw.outbox_messages
        where state in ('planned', 'accepted') group by all having count(*) > 1
    """,
    "four messages in a week": """
        select person_id, planned_at from raw.outbox_messages where state in ('planned', 'accepted')
        qualify count(*) over (
            partition by person_id order by cast(planned_at as date)
            range between interval 6 day preceding and current row
        ) > 3
    """,
    "a step missing": """
        select entries.journey from core.journey_entries as entries inner join raw.journey_steps using (journey)
        anti join core.journey_steps_taken as steps
            on entries.journey = steps.journey and entries.person_id = steps.person_id
            and entries.entered_at = steps.entered_at and journey_steps.step = steps.step
    """,
}


def differences(simulation: Simulation, journeys, people: list[Life], now: datetime) -> list[object]:
    """Where SQL and the oracle say something else of somebody."""
    outbox = simulation.outbox()
    expected_entries, expected_steps = set(), set()
    for life in people:
        for journey in journeys:
            for number, entry in enumerate(walk(journey, life, outbox, now), 1):
                key = (journey.name, life.person_id)
                expected_entries.add(
                    (*key, number, entry.entered_at, entry.exited_at, entry.exit_reason, entry.goal_reached_at)
                )
                expected_steps |= {(*key, entry.entered_at, step, *found) for step, found in entry.steps.items()}
    entries = set(
        simulation.rows(
            "select journey, person_id, entry_number, entered_at, exited_at, exit_reason, goal_reached_at "
            "from core.journey_entries"
        )
    )
    steps = set(
        simulation.rows(
            "select journey, person_id, entered_at, step, due_at, state, reason from core.journey_steps_taken"
        )
    )
    return sorted([*(entries ^ expected_entries), *(steps ^ expected_steps)], key=str)[:6]


def live_through(home: Path, people: int, runs: int, oracle_every: int, seed: int) -> Counter[str]:
    """A year with so many people and runs; returns how often each thing came about."""
    journeys, world = write_journeys(home / "journeys"), lives(people, seed)
    simulation = Simulation(home, journeys, world)
    instants = run_instants(seed, runs)
    for number, now in enumerate(instants):
        simulation.run(now)
        for fault, sql in _FAULTS.items():
            assert simulation.rows(sql) == [], (fault, now)
        for name, sql in _KEPT.items():
            if number:
                assert simulation.rows(f"from lives.kept_{name} except {sql}") == [], (f"{name} taken back", now)
            simulation.execute(f"create or replace table lives.kept_{name} as {sql}")
        if number % oracle_every == 0 or now == instants[-1]:
            assert differences(simulation, journeys, world, now) == [], now
    built = tables(simulation)
    simulation.build(instants[-1])
    assert tables(simulation) == built
    simulation.rebuild(instants[-1])
    assert tables(simulation) == built
    came_about = simulation.rows(_CAME_ABOUT)
    simulation.close()
    return Counter({str(name): int(str(count)) for name, count in came_about})


def tables(simulation: Simulation) -> dict[str, list[object]]:
    """What the models came to, but for the outbox as it is now, and how full it leaves people's days."""
    of_the_outbox = ("stg_outbox__messages", "stg_outbox__deferrals", "journey_messages", *_PACED)
    derived = {model: f"from core.{model}" for model in MODELS if model not in of_the_outbox}
    derived["message_candidates"] = "select message_id, person_id, journey, step from core.message_candidates"
    return {model: sorted(simulation.rows(sql), key=str) for model, sql in derived.items()}


def test_a_year_in_journeys_is_what_walking_through_each_life_says(tmp_path: Path) -> None:
    counted = live_through(tmp_path, people=250, runs=60, oracle_every=4, seed=11)
    came_about = {
        "sent", "skipped condition", "skipped no_consent", "skipped suppressed", "skipped too_late",
        "skipped campaign_holdout", "skipped rejected", "skipped no_address", "exited goal_reached", "exited condition",
        "exit completed", "exit bought", "exit segment_left", "exit stage_left", "entries again",
    }  # fmt: skip
    assert came_about - {name for name, count in counted.items() if count} == set()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_of_ten_thousand_people_with_a_run_every_day(tmp_path: Path, seed: int) -> None:
    counted = live_through(tmp_path, people=10_000, runs=366, oracle_every=60, seed=seed)
    assert counted["sent"] > 10_000

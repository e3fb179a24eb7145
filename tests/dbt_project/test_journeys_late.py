"""What turns out later (an older row, two people who are one) sends no step of a journey a second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from rendering.journey import load_journey
from tests.journeys.simulation import Simulation
from tests.journeys.years import Life

_JOURNEY = """
title: Two steps
entry: {event: signed_up}
reentry: always
goal: bought
steps:
  - {step: one, wait: 1 hour, campaign: alpha}
  - {step: two, wait: 1 day, campaign: beta}
"""


def person(name: str, *signed_up: datetime) -> Life:
    return Life(
        name, datetime(2016, 1, 1), False, None,
        activity=[(at, "signed_up") for at in signed_up],
        stages=[(signed_up[0], None, "prospect")],
        consents=[(datetime(2016, 1, 1), "newsletter", True)],
        orders=[datetime(2017, 1, 1)],
        segments=[(datetime(2017, 1, 1), "silent", "entered")],
    )  # fmt: skip


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    home = tmp_path_factory.mktemp("late")
    (home / "two.yml").write_text(_JOURNEY)
    people = [person(name, datetime(2016, 3, 2)) for name in ("moved", "kept", "gone", "cancelled")]
    people[2].activity = [(datetime(2016, 3, 2, 6), "signed_up")]
    simulated = Simulation(home, [load_journey(home / "two.yml")], people)
    simulated.execute("update raw.campaigns set holdout_share = 0")
    simulated.run(datetime(2016, 3, 2, 12))
    # The sign-up of one was earlier, that of another never was; two are one, whose second life began later.
    simulated.execute("update lives.activity set occurred_at = timestamp '2016-03-01 20:00' where person_id = 'moved'")
    simulated.execute("delete from lives.activity where person_id = 'cancelled'")
    for table in ("people", "activity", "consents", "stages", "orders", "segments"):
        simulated.execute(f"update lives.{table} set person_id = 'kept' where person_id = 'gone'")
    simulated.run(datetime(2016, 3, 3, 13))
    simulated.run(datetime(2016, 3, 4, 13))
    yield simulated
    simulated.close()


@pytest.mark.parametrize("name", ["moved", "kept", "cancelled"])
def test_each_step_is_sent_once_whatever_turns_out_later(simulation: Simulation, name: str) -> None:
    sent = simulation.rows(
        f"select split_part(occurrence, ':', 2) as step, planned_at from raw.outbox_messages "
        f"where person_id = '{name}' order by planned_at"
    )
    assert sent == [("one", datetime(2016, 3, 2, 12)), ("two", datetime(2016, 3, 3, 13))]


def test_a_step_that_the_older_self_got_is_sent_in_the_one_entry_that_is_left(simulation: Simulation) -> None:
    steps = simulation.rows(
        "select entered_at, step, state, decided_at from core.journey_steps_taken where person_id = 'kept' order by all"
    )
    entered_at = datetime(2016, 3, 2)
    assert steps == [
        (entered_at, "one", "sent", datetime(2016, 3, 2, 12)),
        (entered_at, "two", "sent", datetime(2016, 3, 3, 13)),
    ]
    assert simulation.rows("select count(*) from raw.outbox_messages where person_id = 'gone'") == [(1,)]

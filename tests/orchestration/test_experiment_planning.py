"""What an experiment needs is worked out from the warehouse's history, before it starts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ml import power
from orchestration.errors import SincerelyError
from orchestration.experiments.planning import Plan, Wanted, planned
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns
from rendering.parts import Variant

NOW = datetime(2018, 1, 1, tzinfo=UTC)
AUDIENCE, IN_90_DAYS = 2000, 900


def outcome(campaign: str, number: int, messages: int) -> dict[str, Any]:
    """Of the messages 30 % are opened, 5 % clicked and followed by an order of 20, 1 % unsubscribed from."""
    part = number / messages
    return {
        "campaign": campaign,
        "sent_at": datetime(2017, 12, 1),
        "is_window_over": True,
        "is_opened_by_human": part < 0.3,
        "is_clicked_by_human": part < 0.05,
        "is_converted": part < 0.05,
        "converted_amount": 20.0 if part < 0.05 else 0.0,
        "is_unsubscribed": part < 0.01,
    }


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    outcomes = [outcome("win_back", number, 1000) for number in range(1000)]
    outcomes += [outcome("loyalty_reward", number, 100) | {"is_opened_by_human": False} for number in range(100)]
    unfinished = outcomes[0] | {"is_window_over": False, "converted_amount": 1e6}
    withheld = outcomes[0] | {"sent_at": None, "converted_amount": 1e6}
    warehouse.replace("measurement.message_outcomes", pa.Table.from_pylist([*outcomes, unfinished, withheld]))
    candidates = [
        {
            "campaign": name,
            "occurrence": occurrence,
            "person_id": f"p{number}",
            "exclusion_reason": ["no_consent", "campaign_holdout", None, None][number % 4],
            "journey": None,
        }
        for name, occurrence in (("win_back", "once"), ("loyalty_reward", "2018-01"))
        for number in range(AUDIENCE)
    ]
    table = pa.Table.from_pylist(candidates)
    warehouse.replace("core.message_candidates", table.set_column(4, "journey", pa.nulls(table.num_rows, pa.string())))
    moves = [
        {
            "segment": "lapsed_at_risk",
            "person_id": f"n{number}",
            "change": "entered",
            "changed_at": NOW.replace(tzinfo=None),
        }
        for number in range(IN_90_DAYS)
    ]
    moves += [moves[0] | {"change": "exited", "person_id": "gone"}, moves[0] | {"changed_at": datetime(2017, 1, 1)}]
    warehouse.replace("core.segment_transitions", pa.Table.from_pylist(moves))
    includes = {"campaign": "win_back", "segment": "lapsed_at_risk", "role": "include"}
    warehouse.replace("raw.campaigns", pa.Table.from_pylist([includes]))
    return warehouse


def campaign(name: str, **changes: Any) -> Campaign:
    found = next(each for each in load_campaigns() if each.name == name)
    return dataclasses.replace(found, **changes)


def forecast(plan: Plan, variant: str, metric: str) -> Any:
    return next(each for each in plan.forecasts if (each.variant, each.metric) == (variant, metric))


def test_the_plan_counts_whom_it_reaches_and_holds_the_hold_out_against_the_rest(warehouse: Warehouse) -> None:
    plan = planned(warehouse, campaign("win_back", holdout=0.2), NOW, Wanted(lift=0.5))

    assert plan.people == AUDIENCE * 3 / 4
    assert plan.people_per_day == pytest.approx(IN_90_DAYS / 90 * 3 / 4)
    found = forecast(plan, "all", "conversion_rate")
    needed = power.people_for_share(0.05, 0.5, part=0.2)
    assert (found.control, found.people, found.history, found.messages) == ("holdout", 1500, "win_back", 1000)
    assert found.base_rate == pytest.approx(0.05)
    assert found.people_needed == pytest.approx(needed, abs=1)
    assert found.days_needed == pytest.approx((needed - 1500) / 7.5 + 7, abs=1)
    assert power.people_for_share(0.05, found.least_lift, part=0.2) == pytest.approx(1500, rel=1e-3)


def test_variants_are_held_against_the_first_by_their_weights(warehouse: Warehouse) -> None:
    variants = tuple(Variant(name, weight, None, 1) for name, weight in (("a", 2), ("b", 1), ("c", 1)))
    plan = planned(warehouse, campaign("win_back", holdout=0.0, variants=variants), NOW, Wanted(lift=0.9))

    pairs = {(each.variant, each.control, each.people) for each in plan.forecasts}
    assert pairs == {("b", "a", 1125), ("c", "a", 1125)}
    found = forecast(plan, "b", "human_open_rate")
    assert found.people_needed == pytest.approx(power.people_for_share(0.3, 0.9, part=2 / 3), abs=1)
    assert found.days_needed == 7  # everybody is there already


def test_a_campaign_that_hardly_sent_is_planned_by_what_all_campaigns_did(warehouse: Warehouse) -> None:
    plan = planned(warehouse, campaign("loyalty_reward", holdout=0.0), NOW, Wanted())

    found = forecast(plan, "one half", "human_open_rate")
    assert (found.history, found.messages) == ("every campaign", 1100)
    assert found.base_rate == pytest.approx(300 / 1100)
    assert (found.people_needed or 0) > found.people
    assert found.days_needed is None  # nobody comes into its segments


def test_money_is_planned_by_its_spread(warehouse: Warehouse) -> None:
    found = forecast(planned(warehouse, campaign("win_back"), NOW, Wanted()), "one half", "revenue_per_recipient")

    deviation = (20**2 * 0.05 * 0.95 * 1000 / 999) ** 0.5
    assert found.base_rate == pytest.approx(1.0)
    assert found.people_needed == pytest.approx(power.people_for_mean(1.0, deviation, 0.1, part=0.5), abs=1)


def test_without_history_the_plan_says_what_is_missing(warehouse: Warehouse) -> None:
    warehouse.replace(
        "measurement.message_outcomes", warehouse.table("select * from measurement.message_outcomes limit 0")
    )
    with pytest.raises(SincerelyError, match="no history to plan by"):
        planned(warehouse, campaign("win_back"), NOW, Wanted())


@pytest.mark.parametrize("wanted", [{"power": 1.0}, {"alpha": 0.0}, {"lift": 0.0}, {"lift": -1.5}])
def test_a_wish_that_is_none_is_refused(wanted: dict[str, float]) -> None:
    with pytest.raises(SincerelyError, match="--"):
        Wanted(**wanted)

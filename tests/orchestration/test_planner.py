"""Planning: each candidate has one message, with the decisions that it shows; what cannot be made is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import orjson
import pytest

from orchestration.delivery import planner
from orchestration.delivery.outbox import Outbox
from orchestration.warehouse import Warehouse
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.links import Site, message_of
from tests.orchestration.planning_world import planning_world
from tests.outboxes import payloads as planned_payloads

AS_OF = datetime(2018, 1, 1, tzinfo=UTC)
SITE = Site("https://mail.example.com", b"sixteen bytes or more")
LOYALTY = load_campaign(CAMPAIGNS / "loyalty_reward")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    planning_world(tmp_path / "warehouse.duckdb", "loyalty_reward", "2018-01")
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")


def test_everybody_gets_their_own_message_once(warehouse: Warehouse, outbox: Outbox, tmp_path: Path) -> None:
    plan = planner.plan(warehouse, outbox, LOYALTY, SITE, AS_OF)
    again = planner.plan(warehouse, outbox, LOYALTY, SITE, AS_OF)

    assert (plan.planned, plan.held_out, plan.failed) == (36, 4, {})
    assert (again.planned, again.already_known) == (0, 40)
    payloads = {each.person_id: each for each in planned_payloads(outbox)}
    assert len(payloads) == 36
    for number, payload in ((0, payloads["person-0"]), (3, payloads["person-3"])):
        assert payload.subject.startswith(f"Maria{number}, ")
        assert payload.to_email == f"person.{number}@example.com"
        assert f"Cheese {(number * 7 + 131) % 30} oz" in payload.html
        reference = payload.text.partition("&m=")[2].partition(")")[0]
        assert message_of(SITE.secret, reference) == payload.message_id


def test_the_decisions_written_down_are_those_shown(warehouse: Warehouse, outbox: Outbox) -> None:
    planner.plan(warehouse, outbox, LOYALTY, SITE, AS_OF)

    rows = outbox.read_all().read_all().to_pylist()
    (found,) = (row["decisions"] for row in rows if row["person_id"] == "person-0")
    decisions = {each["slot"]: (each["choice"], each["rule"]) for each in orjson.loads(found)}
    assert decisions["hero"] == ("hero_new_york_viewed", "new_york_regular_who_looked")
    assert decisions["local"] == ("city_new_york", "new_york")
    assert decisions["recommendation_1"] == ("product-11", "buy_again v1")
    assert len(decisions) == 8


def test_a_message_that_cannot_be_made_is_counted_and_the_others_leave(
    warehouse: Warehouse, outbox: Outbox, tmp_path: Path
) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("update core.profiles set email = 'not an address' where person_id = 'person-1'")

    plan = planner.plan(warehouse, outbox, LOYALTY, SITE, AS_OF)

    assert (plan.planned, plan.failed) == (35, {"email is not one plain address": 1})


def test_people_without_recommendations_get_a_message_without_products(
    warehouse: Warehouse, outbox: Outbox, tmp_path: Path
) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("delete from ml.recommendations where person_id != 'person-1'")

    planner.plan(warehouse, outbox, LOYALTY, SITE, AS_OF)

    payloads = {each.person_id: each for each in planned_payloads(outbox)}
    assert "Running low?" in payloads["person-1"].html
    assert "Running low?" not in payloads["person-2"].html

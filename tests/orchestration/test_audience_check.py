"""Every recipient's message is looked at before any leaves; beyond a campaign's limits it is held."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.delivery import audience_check, planner
from orchestration.delivery.outbox import Outbox
from orchestration.gate import checks
from orchestration.warehouse import Warehouse
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.check_parts import AudienceLimits
from rendering.links import Site
from tests.orchestration.planning_world import planning_world

AS_OF = datetime(2018, 1, 1, tzinfo=UTC)
LOYALTY = load_campaign(CAMPAIGNS / "loyalty_reward")
LOOSE, STRICT = AudienceLimits(missing=0.9), AudienceLimits(missing=0.4, identical=0.0, changed=0.1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    planning_world(tmp_path / "warehouse.duckdb", "loyalty_reward", "2018-01", people=100)
    return tmp_path / "warehouse.duckdb"


def run(file: Path, sql: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute(sql)


def test_what_every_message_comes_to_is_counted_with_examples_of_people(file: Path) -> None:
    run(file, "update core.profiles set email = 'nobody' where person_id = 'person-3'")
    run(file, "delete from ml.recommendations where person_id in ('person-4', 'person-5')")

    check = audience_check.look(Warehouse(file), LOYALTY, "2018-01")

    assert check.messages == 90
    assert {reason: (group.count, group.examples) for reason, group in check.failed.items()} == {
        "email is not one plain address": (1, ["person-3"])
    }
    # Half of the people have no city and half looked at nothing.
    assert check.missing["city"].count == 44 and len(check.missing["city"].examples) == 3
    assert {int(each.partition("-")[2]) % 4 for each in check.missing["city"].examples} <= {2, 3}
    assert check.missing["viewed_category"].count == 45
    assert "first_name" not in check.missing
    assert check.empty_recommendations.count == 2
    assert sorted(check.empty_recommendations.examples) == ["person-4", "person-5"]
    assert check.rules == {
        "hero: new_york_regular_who_looked": 23,
        "hero: regular": 67,
        "local: anywhere": 67,
        "local: new_york": 23,
    }
    assert 10_000 < check.html_bytes["median"] <= check.html_bytes["p95"] <= check.html_bytes["largest"] < 40_000
    assert check.oversized.count == check.identical.count == 0


def test_messages_that_say_the_same_are_found_though_their_links_differ(file: Path) -> None:
    same = "first_name = 'Ann', city = null, viewed_category = null, orders_count = 3, total_spent_amount = 9"
    run(file, f"update core.profiles set {same} where person_id in ('person-1', 'person-2', 'person-3')")
    run(file, "delete from ml.recommendations where person_id in ('person-1', 'person-2', 'person-3')")

    assert audience_check.look(Warehouse(file), LOYALTY, "2018-01").identical.count == 3


def test_beyond_a_limit_the_gate_holds_the_campaign_and_says_why(file: Path) -> None:
    run(file, "create schema raw; create table raw.campaigns as select 'loyalty_reward' campaign, '2018-01' occurrence")
    run(file, "create schema staging; create table staging.stg_outbox__messages (campaign varchar)")
    strict, loose = (dataclasses.replace(LOYALTY, check_audience=limits) for limits in (STRICT, LOOSE))

    def found(campaign) -> list[tuple[str, str]]:
        found = checks._messages(Warehouse(file), [campaign])
        return [(each.cause, re.sub(r"person-\d+", "person-…", each.reason)) for each in found]

    assert found(loose) == found(LOYALTY) == []
    assert found(strict) == [
        ("2018-01 missing city", "44 of 90 messages (49%) have no city, for example person-…'s; allowed are 40%"),
        (
            "2018-01 missing viewed_category",
            "45 of 90 messages (50%) have no viewed_category, for example person-…'s; allowed are 40%",
        ),
    ]


def test_the_gate_keeps_what_it_saw_for_the_next_occurrence(file: Path, tmp_path: Path) -> None:
    run(file, "create schema raw; create table raw.campaigns as select 'loyalty_reward' campaign, '2018-01' occurrence")
    warehouse = Warehouse(file)
    looked: list[tuple[str, int, int]] = []

    list(
        checks._messages(
            warehouse,
            [dataclasses.replace(LOYALTY, check_audience=STRICT)],
            lambda check, reasons: looked.append((check.occurrence, check.messages, len(reasons))),
        )
    )

    assert looked == [("2018-01", 90, 2)]


def test_what_is_written_down_already_is_looked_at_only_when_asked(file: Path, tmp_path: Path) -> None:
    warehouse, outbox = Warehouse(file), Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    planner.plan(warehouse, outbox, LOYALTY, Site("https://mail.example.com", b"sixteen bytes or more"), AS_OF)
    run(file, "update core.message_candidates set is_planned = true")

    assert audience_check.look(warehouse, LOYALTY, "2018-01").messages == 0
    assert audience_check.look(warehouse, LOYALTY, "2018-01", also_planned=True).messages == 90


def test_what_changed_since_the_last_occurrence_is_told_and_may_hold(file: Path) -> None:
    warehouse = Warehouse(file)
    before = audience_check.look(warehouse, LOYALTY, "2018-01")
    audience_check.record(warehouse, before, [], AS_OF)
    run(file, "update core.message_candidates set occurrence = '2018-02'")
    run(file, "delete from core.message_candidates where person_id < 'person-2'")
    run(file, "update core.profiles set city = 'New York'")

    after = audience_check.look(warehouse, LOYALTY, "2018-02")
    last = audience_check.last_facts(warehouse, "loyalty_reward", "2018-02")

    assert last is not None and last["messages"] == 90
    changed = {name: (was, now) for name, was, now in audience_check.changes(after, last)}
    assert changed["messages"] == (90, after.messages) and after.messages < 90
    assert changed["the share of local: new_york"] == (pytest.approx(23 / 90), 1.0)
    assert changed["the share without city"] == (pytest.approx(44 / 90), 0.0)
    reasons = dict(audience_check.causes(after, STRICT, last))
    assert "the share of local: new_york went from 26% to 100% since" in reasons["changed the share of local: new_york"]


def test_what_is_recorded_names_people_by_their_ids_and_says_nothing_else_of_them(file: Path) -> None:
    warehouse = Warehouse(file)
    audience_check.record(warehouse, audience_check.look(warehouse, LOYALTY, "2018-01"), ["why"], AS_OF)

    (row,) = warehouse.rows(f"select * from {audience_check.TABLE}")

    assert (row["campaign"], row["occurrence"], row["messages"], row["held_by"]) == (
        "loyalty_reward", "2018-01", 90, ["why"],
    )  # fmt: skip
    assert json.loads(row["facts"])["missing"]["city"]["count"] == 44
    assert "example.com" not in row["facts"] and "Maria" not in row["facts"]


def test_no_message_of_nobody_is_no_fault(file: Path) -> None:
    run(file, "delete from core.message_candidates")

    check = audience_check.look(Warehouse(file), LOYALTY, "2018-01")

    assert check.messages == 0 and list(audience_check.causes(check, STRICT, None)) == []

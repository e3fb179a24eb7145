"""Counts of rules: what each matches alone and wins, against a count by hand; and what lint says of the useless."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.delivery import dry_run, rule_counts
from orchestration.delivery.rule_findings import rule_findings
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaign
from tests.orchestration.planning_world import candidates
from tests.rendering.conftest import BLOCKS, CAMPAIGN, MESSAGE

NOW = datetime(2018, 1, 1, tzinfo=UTC)
RULES = """\
slots:
  hero:
    - {rule: near_regular, when: "city = 'New York' and orders_count > 2", block: near}
    - {rule: near, when: "city = 'New York'", block: near}
    - {rule: shadowed, when: "p.city = 'New York' and orders_count = 1", block: near}
    - {rule: nobody, when: "city = 'Atlantis'", block: near}
    - {rule: rest, block: far}
  foot:
    - {rule: regular, when: "orders_count > 2", block: near}
    - {rule: anyone, block: far}
"""
_ALONE: dict[str, Callable[[dict[str, Any]], bool]] = {
    "near_regular": lambda row: row["city"] == "New York" and row["orders_count"] > 2,
    "near": lambda row: row["city"] == "New York",
    "shadowed": lambda row: row["city"] == "New York" and row["orders_count"] == 1,
    "nobody": lambda row: False,
    "rest": lambda row: True,
    "regular": lambda row: row["orders_count"] > 2,
    "anyone": lambda row: True,
}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    folder = tmp_path / "small"
    (folder / "blocks").mkdir(parents=True)
    slots, end = CAMPAIGN.index("slots:"), CAMPAIGN.index("utm:")
    (folder / "campaign.yml").write_text(CAMPAIGN[:slots] + RULES + CAMPAIGN[end:])
    (folder / "message.mjml.j2").write_text(MESSAGE)
    for name, source in BLOCKS.items():
        (folder / "blocks" / f"{name}.mjml.j2").write_text(source)
    return load_campaign(folder)


@pytest.fixture
def people() -> list[dict[str, Any]]:
    draw = random.Random(5)
    return [
        {
            "person_id": f"p{number}",
            "city": draw.choice(["New York", "Chicago", None]),
            "orders_count": draw.randint(0, 5),
            "reason": draw.choice([None, None, "no_consent"]),
            "is_in_audience": draw.random() < 0.7,
        }
        for number in range(300)
    ]


@pytest.fixture
def warehouse(tmp_path: Path, people: list[dict[str, Any]]) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    profiles = [{key: row[key] for key in ("person_id", "city", "orders_count")} for row in people]
    warehouse.replace("core.profiles", pa.Table.from_pylist(profiles))
    rows = [
        {"campaign": "small", "occurrence": "once", "person_id": row["person_id"], "exclusion_reason": row["reason"]}
        for row in people
        if row["is_in_audience"]
    ]
    elsewhere = [{**row, "campaign": "other"} for row in rows[:5]]
    warehouse.replace("core.message_candidates", candidates([*rows, *elsewhere]))
    return warehouse


def test_each_rule_is_counted_alone_and_where_it_is_the_first(
    warehouse: Warehouse, campaign: Campaign, people: list[dict[str, Any]]
) -> None:
    counts = rule_counts.counted(warehouse, campaign, NOW)

    audience = [row for row in people if row["is_in_audience"]]
    expected = []
    for slot, rules in campaign.slots.items():
        first = [next(rule.name for rule in rules if _ALONE[rule.name](row)) for row in audience]
        for position, rule in enumerate(rules, 1):
            won = [row for row, winner in zip(audience, first, strict=True) if winner == rule.name]
            written_to = sum(row["reason"] is None for row in won)
            matched = sum(_ALONE[rule.name](row) for row in audience)
            expected.append((slot, rule.name, position, len(audience), matched, len(won), written_to))
    assert [
        (each.slot, each.rule, each.position, each.audience_count, each.matches_count, each.wins_count,
         each.recipients_count)
        for each in counts
    ] == expected  # fmt: skip
    for slot in campaign.slots:
        assert sum(each.wins_count for each in counts if each.slot == slot) == len(audience)


def test_what_is_recorded_is_what_was_counted(warehouse: Warehouse, campaign: Campaign) -> None:
    assert rule_counts.recorded(warehouse) == []
    counts = rule_counts.record(warehouse, [campaign], NOW)
    assert sorted(rule_counts.recorded(warehouse), key=repr) == sorted(counts, key=repr)
    assert rule_counts.as_rows(counts)[0]["condition"] == "city = 'New York' and orders_count > 2"


def test_lint_warns_of_a_rule_that_nobody_matches_or_that_never_wins_at_its_line(
    warehouse: Warehouse, campaign: Campaign
) -> None:
    found = rule_findings(campaign, rule_counts.record(warehouse, [campaign], NOW))

    lines = campaign.file.read_text().splitlines()
    assert [(each.severity, lines[each.line - 1].split(",")[0].strip()) for each in found] == [
        ("warning", "- {rule: shadowed"),
        ("warning", "- {rule: nobody"),
    ]
    assert "never wins: the " in found[0].message and "get an earlier rule" in found[0].message
    assert "matches none of the " in found[1].message


def test_a_rule_that_was_edited_since_it_was_counted_is_not_blamed(warehouse: Warehouse, campaign: Campaign) -> None:
    counts = rule_counts.record(warehouse, [campaign], NOW)
    text = campaign.file.read_text()
    campaign.file.write_text(text.replace("Atlantis", "Chicago").replace("orders_count = 1", "orders_count = 2"))

    assert rule_findings(load_campaign(campaign.folder), counts) == []


def test_without_people_nothing_is_said(warehouse: Warehouse, campaign: Campaign) -> None:
    warehouse.replace(
        "core.message_candidates", warehouse.table("select * from core.message_candidates where campaign = 'other'")
    )
    assert rule_findings(campaign, rule_counts.record(warehouse, [campaign], NOW)) == []


def test_a_dry_run_tells_how_many_of_those_who_are_written_to_get_each_block(
    warehouse: Warehouse, campaign: Campaign, people: list[dict[str, Any]]
) -> None:
    counts = rule_counts.as_rows(rule_counts.counted(warehouse, campaign, NOW))
    nothing = {"already_sent": 0, "reasons": {}, "capped_by": {}, "wait_for_their_hour": 0, "held": []}
    row = {"campaign": "small", "occurrence": "once", "audience": 300, "would_be_sent": 100, **nothing}

    said = dry_run.lines(
        {
            **row,
            "cost": None,
            "seconds": 1,
            "seconds_from": "",
            "sample": [],
            "is_paused_or_cancelled": False,
            "rules": counts,
        }
    )

    written_to = [each for each in people if each["is_in_audience"] and each["reason"] is None]
    regulars = sum(each["orders_count"] > 2 for each in written_to)
    assert said[-1] == f"  foot: regular {regulars}, anyone {len(written_to) - regulars}"
    assert said[-2].startswith("  hero: near_regular ")

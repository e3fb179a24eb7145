"""How many people each rule of a campaign's slots matches, and how many get its block: before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.delivery.planner import occurrence_of
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign
from rendering.decisions import slot_cases
from rendering.parts import Rule

TABLE = "delivery.rule_counts"
_SQL = Path(__file__).with_name("rule_counts.sql")
_SCHEMA = pa.schema(
    [
        ("campaign", pa.string()),
        ("occurrence", pa.string()),
        ("slot", pa.string()),
        ("rule", pa.string()),
        ("position", pa.int64()),
        # The predicate as it was counted; None for a default. A rule that was edited since has no counts.
        ("condition", pa.string()),
        ("audience_count", pa.int64()),
        ("matches_count", pa.int64()),
        ("wins_count", pa.int64()),
        ("recipients_count", pa.int64()),
    ]
)


@dataclass(frozen=True)
class RuleCount:
    """Of the people in the audience: whom the rule would match if it stood alone, for whom it is the first that
    holds, and how many of these get a message at all."""

    campaign: str
    occurrence: str
    slot: str
    rule: str
    position: int
    condition: str | None
    audience_count: int
    matches_count: int
    wins_count: int
    recipients_count: int


def counted(warehouse: Warehouse, campaign: Campaign, as_of: datetime) -> list[RuleCount]:
    """One count for each rule, in the order of campaign.yml; the warehouse reads every profile once.

    The audience is that of the built `core.message_candidates`, at the occurrence of `as_of`. RuleError names the
    line of a rule that is no plain predicate.
    """
    if not campaign.slots:
        return []
    occurrence = occurrence_of(campaign, as_of)
    (found,) = warehouse.rows(counts_sql(campaign), [campaign.name, occurrence])
    return [
        RuleCount(
            campaign=campaign.name,
            occurrence=occurrence,
            slot=slot,
            rule=rule.name,
            position=position,
            condition=rule.when,
            audience_count=found["audience"],
            matches_count=found[f"matches_{number}"],
            wins_count=found[f"wins_{number}"],
            recipients_count=found[f"recipients_{number}"],
        )
        for number, (slot, position, rule) in enumerate(_rules(campaign))
    ]


def counts_sql(campaign: Campaign) -> str:
    """The query for the counts of all rules of all slots: one row, of parameters campaign and occurrence."""
    winners = {slot: f"winner_{number}" for number, slot in enumerate(campaign.slots)}
    decided = [f"{case} as {winners[slot]}" for slot, case in slot_cases(campaign).items()]
    rules = list(enumerate(_rules(campaign)))
    decided += [f"coalesce(({rule.when or 'true'}), false) as matches_{number}" for number, (_, _, rule) in rules]
    counts = []
    for number, (slot, _, rule) in rules:
        wins = f"{winners[slot]} = '{rule.name}'"
        counts += [
            f"count(*) filter (where matches_{number}) as matches_{number}",
            f"count(*) filter (where {wins}) as wins_{number}",
            f"count(*) filter (where {wins} and is_recipient) as recipients_{number}",
        ]
    sql = _SQL.read_text(encoding="utf-8")
    return sql.replace("/* decided */", ", ".join(decided)).replace("/* counts */", ", ".join(counts))


def record(warehouse: Warehouse, campaigns: Iterable[Campaign], as_of: datetime) -> list[RuleCount]:
    """Writes the counts of all these campaigns into `delivery.rule_counts`, anew, and returns them."""
    with warehouse.kept_open():
        rows = [row for campaign in campaigns for row in counted(warehouse, campaign, as_of)]
        warehouse.replace(TABLE, pa.Table.from_pylist([vars(row) for row in rows], _SCHEMA))
    return rows


def recorded(warehouse: Warehouse) -> list[RuleCount]:
    """What the last run recorded; nothing before the first."""
    if not warehouse.exists(TABLE):
        return []
    return [RuleCount(**row) for row in warehouse.rows(f"select * from {TABLE} order by campaign, slot, position")]


def as_rows(counts: Iterable[RuleCount]) -> list[dict[str, Any]]:
    """The counts as plain dicts, for pages, tables and programs."""
    return [dict(vars(count)) for count in counts]


def _rules(campaign: Campaign) -> Iterable[tuple[str, int, Rule]]:
    for slot, rules in campaign.slots.items():
        for position, rule in enumerate(rules, 1):
            yield slot, position, rule

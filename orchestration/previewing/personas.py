"""Whom a campaign's preview shows: real people for every rule of every slot and every fallback of every token."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from orchestration.previewing.covering import GETS_IT, Chosen, Group, Outcome, counts, cover
from orchestration.previewing.queries import Queries
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

SLOT, TOKEN = "slot", "token"
VALUE, FALLBACK = "its own value", "fallback"


@dataclass(frozen=True)
class Personas:
    """The people to show; for each outcome how many of those who get the message have it; and what nobody has."""

    chosen: tuple[Chosen, ...]
    counts: dict[Outcome, int]
    audience: int
    nobody: tuple[Outcome, ...]


def choose(warehouse: Warehouse, queries: Queries, least: int, shown_before: Collection[str] = ()) -> Personas:
    """People for every outcome, `least` of them or as many more as it takes; who was shown before comes first."""
    with warehouse.read(queries.fields, queries.parameters) as reader:
        fields = set(reader.schema.names)
    rows = warehouse.rows(queries.groups(fields, shown_before, least), queries.parameters)
    groups = [_group(row) for row in rows]
    found = counts(groups)
    mailed = sum(group.people for group in groups if group.standing == GETS_IT)
    nobody = tuple(sorted(outcome for outcome in _possible(queries.campaign) if outcome not in found))
    return Personas(tuple(cover(groups, least)), found, mailed, nobody)


def _group(row: dict[str, Any]) -> Group:
    rules = [Outcome(SLOT, slot, rule) for slot, rule in (row["rules"] or {}).items()]
    tokens = [Outcome(TOKEN, name, VALUE if own else FALLBACK) for name, own in (row["filled"] or {}).items()]
    return Group(row["standing"], frozenset((*rules, *tokens)), row["people"], tuple(row["person_ids"]))


def _possible(campaign: Campaign) -> set[Outcome]:
    rules = {Outcome(SLOT, slot, rule.name) for slot, rules in campaign.slots.items() for rule in rules}
    return rules | {Outcome(TOKEN, name, value) for name in campaign.tokens for value in (VALUE, FALLBACK)}

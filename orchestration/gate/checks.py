"""What is looked at before a campaign leaves: each check finds causes, and each cause holds until it goes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.delivery import audience_check, linting
from orchestration.delivery.complaints import paused_by_complaints
from orchestration.gate.failed_tests import FOR_EVERYBODY
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

_SQL = Path(__file__).parent
# By check, the tables that its query reads; while one of them is not there, nothing is to be said.
_TABLES = {
    "segments": ("raw.campaigns", "raw.journey_steps", "core.segment_refreshes"),
    "data_tests": ("quality.failed_tests",),
    "sources": ("raw.campaigns", "quality.freshness"),
    "models": ("ml.model_decay", "ml.churn_predictions", "ml.recommendations"),
    "audience": ("raw.campaigns", "core.message_candidates", "staging.stg_outbox__messages"),
    "lists": ("raw.campaigns", "quality.freshness"),
}
CHECKS = (*_TABLES, "complaints", "lint", "messages")
OnLook = Callable[[audience_check.AudienceCheck, list[str]], None]
_OCCURRENCES = "select campaign, any_value(occurrence) as occurrence from raw.campaigns group by campaign"
_OF_CHURN = re.compile(r"\bchurn_\w+")


@dataclass(frozen=True)
class Finding:
    """Why a campaign may not leave; `cause` is the same as long as it is the same thing that is wrong."""

    campaign: str
    check: str
    cause: str
    reason: str


def findings(
    warehouse: Warehouse, campaigns: Iterable[Campaign], limits: Mapping[str, Any], on_look: OnLook | None = None
) -> Iterator[Finding]:
    """All that holds one of the campaigns; `limits` are the project's vars. `on_look` is told what the messages of
    each campaign that sets limits of its own come to, and which of them they go beyond."""
    campaigns = list(campaigns)
    names = {campaign.name for campaign in campaigns}
    uses = json.dumps(
        [{"campaign": each.name, "model": model} for each in campaigns for model in (FOR_EVERYBODY, *models_used(each))]
    )
    parameters: dict[str, list[object]] = {
        "data_tests": [uses],
        "models": [uses],
        "audience": [limits[f"gate_audience_{name}"] for name in ("occurrences", "factor", "people")],
        "lists": [limits["gate_consents_days"], limits["gate_suppressions_days"]],
    }
    for check, tables in _TABLES.items():
        if all(warehouse.exists(table) for table in tables):
            sql = (_SQL / f"{check}.sql").read_text(encoding="utf-8")
            for row in warehouse.rows(sql, parameters.get(check)):
                if row["campaign"] in names:
                    yield Finding(row["campaign"], check, row["cause"], row["reason"])
    for name, reason in paused_by_complaints(warehouse).items():
        if name in names:
            yield Finding(name, "complaints", name, reason.rstrip("."))
    for campaign in campaigns:
        for error in linting.errors(campaign):
            words = error.removeprefix(f"{campaign.name} is held: ").rstrip(".")
            yield Finding(campaign.name, "lint", words, words)
    yield from _messages(warehouse, campaigns, on_look)


def _messages(warehouse: Warehouse, campaigns: Iterable[Campaign], on_look: OnLook | None = None) -> Iterator[Finding]:
    """For campaigns with limits, every message that is still to be planned is made and looked at."""
    if not (warehouse.exists("raw.campaigns") and warehouse.exists("core.message_candidates")):
        return
    occurrences = {row["campaign"]: row["occurrence"] for row in warehouse.rows(_OCCURRENCES)}
    for campaign in campaigns:
        occurrence = occurrences.get(campaign.name)
        if campaign.check_audience is None or occurrence is None or linting.errors(campaign):
            continue
        found = audience_check.look(warehouse, campaign, occurrence)
        last = audience_check.last_facts(warehouse, campaign.name, occurrence)
        beyond = list(audience_check.causes(found, campaign.check_audience, last))
        if on_look and found.messages:
            on_look(found, [reason for _, reason in beyond])
        for cause, reason in beyond:
            yield Finding(campaign.name, "messages", f"{occurrence} {cause}", reason)


def models_used(campaign: Campaign) -> tuple[str, ...]:
    """The models that decide what a campaign says, or to whom: by its list, tokens, rules and segments."""
    words = [*campaign.tokens, *(rule.when or "" for rules in campaign.slots.values() for rule in rules)]
    for segment in (*campaign.audience.segments, *campaign.audience.exclude_segments):
        words += [
            file.read_text(encoding="utf-8") for file in (DBT_PROJECT / "models/segments").rglob(f"{segment}.sql")
        ]
    churn = ("churn",) if any(_OF_CHURN.search(text) for text in words) else ()
    return (*churn, *((campaign.uses_recommendations.list,) if campaign.uses_recommendations else ()))

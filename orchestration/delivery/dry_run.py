"""`sincerely send --dry-run`: what would leave, to whom, what it would cost and how long it would take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from orchestration.delivery import linting
from orchestration.delivery.controls import Controls
from orchestration.delivery.esp.base import Limits
from orchestration.delivery.holding import holding
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.planner import occurrence_of
from orchestration.delivery.rates import Rates
from orchestration.delivery.rule_counts import as_rows, counted
from orchestration.delivery.sender import esp_for
from orchestration.errors import SincerelyError
from orchestration.gate.evaluating import Hold, found_now
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

_SQL = Path(__file__).with_name("dry_run.sql")
# What a request is taken to last until one has been measured.
_ASSUMED_REQUEST = timedelta(seconds=0.5)
_CENT = Decimal("0.01")
_SAMPLED = 10


def would_leave(
    settings: Settings, warehouse: Warehouse, outbox: Outbox, campaigns: list[Campaign], as_of: datetime
) -> list[dict[str, Any]]:
    """One row a campaign; nothing is written."""
    controls = Controls(settings.outbox_url)
    holds = found_now(warehouse, controls, campaigns, as_of)
    stopped = holding(controls, (), campaigns, as_of)()
    return [_row(settings, warehouse, outbox, each, as_of, holds, each.name in stopped) for each in campaigns]


def _row(
    settings: Settings,
    warehouse: Warehouse,
    outbox: Outbox,
    campaign: Campaign,
    as_of: datetime,
    holds: Iterable[Hold],
    is_stopped: bool,
) -> dict[str, Any]:
    occurrence = occurrence_of(campaign, as_of)
    rows = warehouse.rows(_SQL.read_text(encoding="utf-8"), [campaign.name, occurrence])
    going = next((row for row in rows if row["reason"] is None), None)
    # What a run has planned since the tables were built.
    known = outbox.known(going["message_ids"]) if going else set()
    messages = going["people_count"] - len(known) if going else 0
    reasons: dict[str, int] = {}
    for row in rows:
        if row["reason"] not in (None, "already_planned"):
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["people_count"]
    return {
        "campaign": campaign.name,
        "occurrence": occurrence,
        "audience": sum(row["people_count"] for row in rows),
        "would_be_sent": messages,
        "already_sent": len(known) + sum(row["people_count"] for row in rows if row["reason"] == "already_planned"),
        "left_out": sum(reasons.values()),
        "reasons": reasons,
        "deferred": sum(row["people_count"] for row in rows if row["is_deferred"]),
        "capped_by": {row["detail"]: row["people_count"] for row in rows if row["reason"] == "capped"},
        "wait_for_their_hour": going["waiting_count"] if going else 0,
        "first_hour": going["first_at"] if going else None,
        "sample": _sample(going, known) if going else [],
        # Lint tells of rules that cannot be counted.
        "rules": [] if linting.errors(campaign) else as_rows(counted(warehouse, campaign, as_of)),
        **_price_and_time(settings, messages),
        "held": [hold.finding.reason for hold in holds if hold.campaign == campaign.name and hold.is_held],
        "is_paused_or_cancelled": is_stopped,
    }


def _sample(going: dict[str, Any], known: set[str]) -> list[str]:
    ids = zip(going["message_ids"], going["person_ids"], strict=True)
    return list(islice((person_id for message_id, person_id in ids if message_id not in known), _SAMPLED))


def _price_and_time(settings: Settings, messages: int) -> dict[str, Any]:
    price = settings.cost_per_thousand
    cost = str((price * messages / 1000).quantize(_CENT)) if price is not None else None
    try:
        esp = esp_for(settings)
    except SincerelyError as error:
        return {"cost": cost, "seconds": None, "seconds_from": str(error)}
    rate = Rates(settings.outbox_url).messages_per_second(esp.name)
    if rate:
        return {"cost": cost, "seconds": round(messages / rate, 1), "seconds_from": "the last sends"}
    return {"cost": cost, "seconds": _by_limits(esp.limits, messages), "seconds_from": "the limits of the ESP"}


def _by_limits(limits: Limits, messages: int) -> float:
    rounds = ceil(ceil(messages / limits.messages) / limits.connections)
    return rounds * _ASSUMED_REQUEST.total_seconds()


def lines(row: dict[str, Any]) -> list[str]:
    """One campaign's row for a person."""
    said = [
        f"{row['campaign']} ({row['occurrence']}): {row['would_be_sent']:,} of {row['audience']:,} would get it"
        + (f", {row['already_sent']:,} have it already" if row["already_sent"] else "")
    ]
    said += [f"  {reason.replace('_', ' ')}: {count:,}" for reason, count in row["reasons"].items()]
    said += [f"  {campaign} took the place of {count:,}" for campaign, count in row["capped_by"].items()]
    if row["wait_for_their_hour"]:
        said.append(f"  {row['wait_for_their_hour']:,} wait for their hour, the first until {row['first_hour']}Z")
    if row["would_be_sent"]:
        price = f"about {row['cost']}" if row["cost"] is not None else "unknown; set cost_per_thousand"
        said.append(f"  cost: {price}")
        if row["seconds"] is None:
            said.append(f"  cannot be sent: {row['seconds_from']}")
        else:
            said.append(f"  takes about {timedelta(seconds=ceil(row['seconds']))}, by {row['seconds_from']}")
        said.append(f"  among them: {', '.join(row['sample'])}")
        said += _of_rules(row["rules"])
    said += [f"  held: {reason}" for reason in row["held"]]
    if row["is_paused_or_cancelled"]:
        said.append("  paused or cancelled; see `sincerely status`")
    return said


def _of_rules(rules: list[dict[str, Any]]) -> list[str]:
    """A line for each slot: how many of those who are written to get each rule's block."""
    slots: dict[str, list[str]] = {}
    for each in rules:
        slots.setdefault(each["slot"], []).append(f"{each['rule']} {each['recipients_count']:,}")
    return [f"  {slot}: {', '.join(said)}" for slot, said in slots.items()]

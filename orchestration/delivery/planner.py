"""Planning: who gets what, decided in SQL, rendered, and written into the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.delivery.outbox import Outbox, Planned
from orchestration.warehouse import Warehouse
from rendering.campaign import OF_JOURNEYS, Campaign
from rendering.decisions import slot_cases
from rendering.errors import RenderError
from rendering.links import Site
from rendering.payload import render
from rendering.templates import compile_campaign

_BATCH_MESSAGES = 500
_RECORDS_SQL = Path(__file__).with_name("records.sql")


@dataclass
class Plan:
    """What planning one campaign came to, in messages."""

    campaign: str
    occurrence: str
    planned: int = 0
    held_out: int = 0
    already_known: int = 0
    failed: dict[str, int] = field(default_factory=dict)


def occurrence_of(campaign: Campaign, as_of: datetime) -> str:
    """The name of the occurrence that `as_of` falls into; the steps of journeys have occurrences of their own."""
    formats = {"once": "once", "daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m", OF_JOURNEYS: OF_JOURNEYS}
    return as_of.strftime(formats[campaign.occurrence])


def campaign_tables(campaigns: list[Campaign], as_of: datetime) -> tuple[pa.Table, pa.Table]:
    """The campaigns as SQL reads them: a row per audience segment, and a row per variant with its share."""
    audience = [
        {
            "campaign": campaign.name,
            "occurrence": occurrence_of(campaign, as_of),
            "purpose": campaign.purpose,
            "priority": campaign.priority,
            "holdout_share": campaign.holdout,
            "role": role,
            "segment": segment,
        }
        for campaign in campaigns
        for role, segments in (
            ("include", campaign.audience.segments),
            ("exclude", campaign.audience.exclude_segments),
            # A campaign without an audience is known by this row alone.
            (OF_JOURNEYS, (None,) if campaign.occurrence == OF_JOURNEYS else ()),
        )
        for segment in segments
    ]
    return pa.Table.from_pylist(audience, _AUDIENCE), pa.Table.from_pylist(
        [row for campaign in campaigns for row in _shares(campaign)], _VARIANTS
    )


_AUDIENCE = pa.schema(
    [
        ("campaign", pa.string()),
        ("occurrence", pa.string()),
        ("purpose", pa.string()),
        ("priority", pa.int64()),
        ("holdout_share", pa.float64()),
        ("role", pa.string()),
        ("segment", pa.string()),
    ]
)
_VARIANTS = pa.schema(
    [
        ("campaign", pa.string()),
        ("variant", pa.string()),
        ("from_share", pa.float64()),
        ("to_share", pa.float64()),
    ]
)


def plan(warehouse: Warehouse, outbox: Outbox, campaign: Campaign, site: Site, as_of: datetime) -> Plan:
    """Renders and writes down every message of the campaign that is not written down yet.

    A message that cannot be rendered is counted with its reason and not written down: once what is wrong is
    mended, the next run plans it.
    """
    compiled = compile_campaign(campaign)
    occurrence = occurrence_of(campaign, as_of)
    result = Plan(campaign.name, occurrence)
    planned_at = as_of.replace(tzinfo=None)
    records_left = _records(warehouse, campaign, occurrence)
    while records := list(islice(records_left, _BATCH_MESSAGES)):
        messages = []
        known = outbox.known([record["message_id"] for record in records])
        for record in records:
            if record["message_id"] in known:
                result.already_known += 1
                continue
            if (message := _planned(record, campaign, compiled, site, result)) is not None:
                messages.append(message)
        if messages:
            outbox.plan(messages, planned_at)
    return result


def _planned(record: Mapping[str, Any], campaign: Campaign, compiled: Any, site: Site, result: Plan) -> Planned | None:
    """The message to be written down; None, counted in `result`, when it cannot be rendered."""
    identity = {
        "message_id": record["message_id"],
        "campaign": campaign.name,
        "occurrence": record["occurrence"],
        "person_id": record["person_id"],
        "variant": record["variant"],
    }
    if record["is_holdout"]:
        result.held_out += 1
        reason = record["exclusion_reason"]
        withheld = {"slot": "holdout", "choice": reason.removesuffix("_holdout"), "rule": reason}
        return Planned(**identity, decisions=(withheld,))
    rules = record["rules"] or {}
    shown = compiled.of(record["variant"]).campaign
    slots = {slot: shown.block_of(slot, rule) for slot, rule in rules.items()}
    decisions = [{"slot": slot, "choice": slots[slot], "rule": rule} for slot, rule in sorted(rules.items())]
    for product in record["recommendations"] or []:
        decisions.append(
            {
                "slot": f"recommendation_{product['rank']}",
                "choice": product["product_id"],
                "rule": f"{product['list']} {product['model_version']}",
            }
        )
    try:
        payload = render(compiled, {**record, "slots": slots}, site)
    except RenderError as error:
        result.failed[error.reason] = result.failed.get(error.reason, 0) + 1
        return None
    result.planned += 1
    return Planned(
        **identity,
        decisions=tuple(decisions),
        payload=payload,
        not_before=record["not_before"],
        expires_at=record["expires_at"],
    )


def _records(warehouse: Warehouse, campaign: Campaign, occurrence: str) -> Iterator[dict[str, Any]]:
    wanted = campaign.uses_recommendations
    with warehouse.read(
        records_sql(campaign),
        [wanted.list if wanted else "", wanted.count if wanted else 0, campaign.name, occurrence],
    ) as reader:
        for batch in reader:
            yield from batch.to_pylist()


def records_sql(campaign: Campaign) -> str:
    """The query for the campaign's records, its rules evaluated for everybody in one pass."""
    cases = ", ".join(f"'{slot}': {case}" for slot, case in slot_cases(campaign).items())
    rules = f"{{{cases}}}" if cases else "null"
    sql = _RECORDS_SQL.read_text(encoding="utf-8").replace("/* rules */", rules)
    return _with_lists(sql, campaign)


def _with_lists(sql: str, campaign: Campaign) -> str:
    """The query with the product lists of variants that have one of their own."""
    own = [(variant.name, variant.list) for variant in campaign.variants if variant.list]
    if not own or campaign.uses_recommendations is None:
        return sql.replace("/* lists */", "").replace("/* list */", "listed.list")
    more = ", ".join(sorted({f"'{name}'" for _, name in own}))
    cases = " ".join(f"when '{variant}' then '{name}'" for variant, name in own)
    chosen = f"case candidates.variant {cases} else '{campaign.uses_recommendations.list}' end"
    return sql.replace("/* lists */", f"or recommendations.list in ({more})").replace("/* list */", chosen)


def _shares(campaign: Campaign) -> Iterator[dict[str, object]]:
    variants = [(variant.name, float(variant.weight)) for variant in campaign.variants] or [("default", 1.0)]
    total = sum(weight for _, weight in variants)
    below = 0.0
    for position, (name, weight) in enumerate(variants):
        above = 1.0 if position == len(variants) - 1 else below + weight / total
        yield {"campaign": campaign.name, "variant": name, "from_share": below, "to_share": above}
        below = above

"""Planning: who gets what, decided in SQL, rendered, and written into the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from orchestration.delivery.outbox import Outbox
from orchestration.delivery.writers import LARGE, writers
from orchestration.delivery.writing_down import Order, WrittenDown
from orchestration.warehouse import Warehouse
from rendering.campaign import OF_JOURNEYS, Campaign
from rendering.decisions import slot_cases
from rendering.event_parts import EVENT_TOKENS
from rendering.links import Site

# As many as SendGrid takes in a request.
_BATCH_MESSAGES = 1_000
_RECORDS_SQL = Path(__file__).with_name("records.sql")


@dataclass
class Plan(WrittenDown):
    """What planning one campaign came to, in messages."""

    campaign: str = ""
    occurrence: str = ""


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
            "uses_events": campaign.uses_events,
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
        ("uses_events", pa.bool_()),
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


def plan(
    warehouse: Warehouse,
    outbox: Outbox,
    campaign: Campaign,
    site: Site,
    as_of: datetime,
    *,
    fills_templates: bool = False,
    large: int = LARGE,
) -> Plan:
    """Renders and writes down every message of the campaign that is not written down yet; from `large` of them on, by
    processes of their own.

    For an ESP that `fills_templates`, a message in the vendor's own template is written down as its merge data.
    """
    result = Plan(campaign=campaign.name, occurrence=occurrence_of(campaign, as_of))
    order = Order(campaign, site, outbox.url, as_of.replace(tzinfo=None), fills_templates)
    with writers(order, outbox, large) as team:
        for records in _records(warehouse, campaign, result.occurrence):
            team.take(records)
        result.add(team.ended())
    return result


def _records(warehouse: Warehouse, campaign: Campaign, occurrence: str) -> Iterator[pa.RecordBatch]:
    """The campaign's records, as many at a time as are written down together."""
    wanted = campaign.uses_recommendations
    with warehouse.read(
        records_sql(campaign),
        [wanted.list if wanted else "", wanted.count if wanted else 0, campaign.name, occurrence],
    ) as reader:
        for batch in reader:
            for start in range(0, batch.num_rows, _BATCH_MESSAGES):
                yield batch.slice(start, _BATCH_MESSAGES)


def records_sql(campaign: Campaign) -> str:
    """The query for the campaign's records, its rules evaluated for everybody in one pass."""
    cases = ", ".join(f"'{slot}': {case}" for slot, case in slot_cases(campaign).items())
    rules = f"{{{cases}}}" if cases else "null"
    sql = _RECORDS_SQL.read_text(encoding="utf-8").replace("/* rules */", rules)
    return _with_event(_with_lists(sql, campaign), campaign)


def _with_lists(sql: str, campaign: Campaign) -> str:
    """The query with the product lists of variants that have one of their own."""
    own = [(variant.name, variant.list) for variant in campaign.variants if variant.list]
    if not own or campaign.uses_recommendations is None:
        return sql.replace("/* lists */", "").replace("/* list */", "listed.list")
    more = ", ".join(sorted({f"'{name}'" for _, name in own}))
    cases = " ".join(f"when '{variant}' then '{name}'" for variant, name in own)
    chosen = f"case candidates.variant {cases} else '{campaign.uses_recommendations.list}' end"
    return sql.replace("/* lists */", f"or recommendations.list in ({more})").replace("/* list */", chosen)


def _with_event(sql: str, campaign: Campaign) -> str:
    """The query with the event that each person is invited to, for a campaign that invites."""
    columns = ", ".join(f"invitations.{column}" for column in ("event_id", *EVENT_TOKENS))
    join = "left join core.event_invitations as invitations on candidates.person_id = invitations.person_id"
    is_used = campaign.uses_events
    return sql.replace("/* event */", f"{columns}," if is_used else "").replace("/* events */", join if is_used else "")


def _shares(campaign: Campaign) -> Iterator[dict[str, object]]:
    variants = [(variant.name, float(variant.weight)) for variant in campaign.variants] or [("default", 1.0)]
    total = sum(weight for _, weight in variants)
    below = 0.0
    for position, (name, weight) in enumerate(variants):
        above = 1.0 if position == len(variants) - 1 else below + weight / total
        yield {"campaign": campaign.name, "variant": name, "from_share": below, "to_share": above}
        below = above

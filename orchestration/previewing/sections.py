"""One campaign's part of the gallery: its people chosen, their messages rendered as planning would."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.delivery import linting, planner
from orchestration.delivery.making import NO_EVENT
from orchestration.previewing.covering import GETS_IT, HELD_OUT, OUTSIDE, WAITS, Chosen
from orchestration.previewing.personas import choose
from orchestration.previewing.queries import Queries
from orchestration.warehouse import Warehouse
from rendering.campaign import OF_JOURNEYS, load_campaign
from rendering.errors import RenderingError, SourceError
from rendering.links import Site
from rendering.payload import Payload
from rendering.preview.gallery import OutcomeCount, Placement, Section
from rendering.preview.masking import masked
from rendering.preview.shown import show
from rendering.templates import compile_campaign
from rendering.tokens import clean


@dataclass(frozen=True)
class Request:
    """What to preview: the people who are named, or at least `people` who show everything, or both."""

    as_of: datetime
    site: Site
    sensitive: frozenset[str]
    esp: str
    person_ids: tuple[str, ...] = ()
    people: int | None = None
    # Campaigns with the people whom the earlier version showed of each.
    shown_before: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Preview:
    """A section, and the payloads of those of its messages that could be rendered, in the same order."""

    section: Section
    payloads: tuple[Payload, ...] = field(repr=False, default=())


def preview_campaign(warehouse: Warehouse, folder: Path, request: Request) -> Preview:
    """The campaign of one folder. What is wrong with it is told in its section, and stops no other."""
    try:
        campaign = load_campaign(folder)
        problems = tuple(linting.errors(campaign, request.esp))
        compiled = compile_campaign(campaign)
        occurrence = planner.occurrence_of(campaign, request.as_of)
        queries = Queries(campaign, occurrence)
        chosen, section = _personas(warehouse, queries, request)
        records = _records(warehouse, queries, [each.person_id for each in chosen])
    except RenderingError as error:
        told = f"{linting.shown(error.file)}:{error.line}: {error.message}" if isinstance(error, SourceError) else error
        return Preview(Section(folder.name, None, problems=(str(told),)))
    messages, payloads = [], []
    for record in records:
        problem = NO_EVENT if campaign.uses_events and not record["event_id"] else None
        message, payload = show(compiled, record, request.site, request.sensitive, problem)
        messages.append(message)
        if payload:
            payloads.append(payload)
    by_person = {record["person_id"]: record for record in records}
    placements = [_placement(each, by_person[each.person_id]) for each in chosen if each.person_id in by_person]
    return Preview(
        Section(**{**section, "people": tuple(placements), "messages": tuple(messages), "problems": problems}),
        tuple(payloads),
    )


def _personas(warehouse: Warehouse, queries: Queries, request: Request) -> tuple[Sequence[Chosen], dict[str, Any]]:
    """The people to show, those who were named first, and what the section says of everybody."""
    named = [Chosen(person_id, "", ()) for person_id in request.person_ids]
    before = {person_id for campaign, person_id in request.shown_before if campaign == queries.campaign.name}
    found = choose(warehouse, queries, request.people or 1, before)
    covering = [each for each in found.chosen if each.person_id not in request.person_ids]
    outcomes = [OutcomeCount(each.kind, each.name, each.value, count) for each, count in sorted(found.counts.items())]
    return [*named, *(covering if request.people else [])], {
        "name": queries.campaign.name,
        "campaign": queries.campaign,
        "occurrence": "each step of its journeys" if queries.occurrence == OF_JOURNEYS else queries.occurrence,
        "audience": found.audience,
        "outcomes": tuple(outcomes),
        "nobody": tuple(str(each) for each in found.nobody),
    }


def _records(warehouse: Warehouse, queries: Queries, person_ids: Collection[str]) -> list[dict[str, Any]]:
    return warehouse.rows(queries.messages(person_ids), queries.parameters) if person_ids else []


def _placement(chosen: Chosen, record: dict[str, Any]) -> Placement:
    planned = record["standing"] or {}
    return Placement(
        person_id=chosen.person_id,
        first_name=clean(record.get("first_name") or "").strip(),
        address=masked(record["email"]),
        standing=_standing(planned),
        reason=_reason(planned),
        variant=planned.get("variant"),
        shows=tuple(str(each) for each in chosen.shows),
    )


def _standing(planned: dict[str, Any]) -> str:
    if not planned.get("person_id"):
        return OUTSIDE
    if planned["is_deferred"]:
        return WAITS
    if planned["is_holdout"]:
        return HELD_OUT
    return OUTSIDE if planned["exclusion_reason"] else GETS_IT


def _reason(planned: dict[str, Any]) -> str:
    if not planned.get("person_id"):
        return "not in the audience today"
    if reason := planned.get("exclusion_reason"):
        detail = f" ({planned['exclusion_detail']})" if planned.get("exclusion_detail") else ""
        return f"{reason.replace('_', ' ')}{detail}"
    if planned.get("journey"):
        return f"at step {planned['step']} of the journey {planned['journey']}"
    return f"in the segment {planned.get('segment')}"

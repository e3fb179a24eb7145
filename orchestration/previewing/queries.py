"""Planning's own query for other people: whom it would choose to show, and what it would give them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.delivery import planner
from orchestration.errors import SincerelyError
from orchestration.landing.quoting import literal, name
from rendering.campaign import Campaign
from rendering.parts import Token

_CANDIDATES = "core.message_candidates as candidates"
_FOLDER = Path(__file__).parent
_FILLED = {
    "text": "coalesce(trim({0}::varchar), '') <> ''",
    "list": "coalesce(len({0}), 0) > 0",
}


def variants_of(campaign: Campaign) -> list[str]:
    """The names that planning gives the campaign's variants."""
    return [variant.name for variant in campaign.variants] or ["default"]


def parameters(campaign: Campaign, occurrence: str) -> list[object]:
    """What planning's query takes."""
    wanted = campaign.uses_recommendations
    return [wanted.list if wanted else "", wanted.count if wanted else 0, campaign.name, occurrence]


def fields_sql(campaign: Campaign, occurrence: str, as_of: datetime) -> str:
    """No row, but every field that a record has."""
    return f"select * from ({_records(campaign, occurrence, as_of, _everyone(campaign, occurrence))}) limit 0"


def groups_sql(
    campaign: Campaign,
    occurrence: str,
    as_of: datetime,
    fields: Collection[str],
    shown_before: Collection[str],
    least: int,
) -> str:
    """A row per group of people for whom the campaign does the same; `fields` are those that a record has."""
    present = [token for token in campaign.tokens.values() if token.name in fields]
    filled = ", ".join(f"{literal(token.name)}: {_is_filled(token)}" for token in present)
    return _with(
        "groups.sql",
        records=_records(campaign, occurrence, as_of, _everyone(campaign, occurrence)),
        standings=_standings(campaign, occurrence),
        filled=f"{{{filled}}}" if filled else "null",
        shown_before=_texts(sorted(shown_before)),
        least=str(max(least, 1)),
    )


def messages_sql(campaign: Campaign, occurrence: str, as_of: datetime, person_ids: Collection[str]) -> str:
    """A row per person and variant."""
    people = _with(
        "chosen.sql", variants=_texts(variants_of(campaign)), person_ids=_texts(sorted(person_ids)) + "::varchar[]"
    )
    return _with(
        "messages.sql",
        records=_records(campaign, occurrence, as_of, people),
        standings=_standings(campaign, occurrence),
    )


def _records(campaign: Campaign, occurrence: str, as_of: datetime, people: str) -> str:
    sql = planner.records_sql(campaign)
    if _CANDIDATES not in sql:
        raise SincerelyError(f"Planning's query no longer says {_CANDIDATES!r}; the preview must follow it.")
    candidates = _with(
        "candidates.sql",
        campaign=literal(campaign.name),
        occurrence=literal(occurrence),
        people=people,
        standings=_standings(campaign, occurrence),
    )
    return sql.replace(_CANDIDATES, f"{candidates} as candidates")


def _everyone(campaign: Campaign, occurrence: str) -> str:
    return _with("everyone.sql", variant=literal(variants_of(campaign)[0]), standings=_standings(campaign, occurrence))


def _standings(campaign: Campaign, occurrence: str) -> str:
    return _with("standings.sql", campaign=literal(campaign.name), occurrence=literal(occurrence))


def _is_filled(token: Token) -> str:
    return _FILLED.get(token.type, "{0} is not null").format(f"records.{name(token.name)}")


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(literal(value) for value in values)}]"


def _with(file: str, **parts: Any) -> str:
    sql = (_FOLDER / file).read_text(encoding="utf-8")
    for place, part in parts.items():
        sql = sql.replace(f"/* {place} */", part)
    return sql

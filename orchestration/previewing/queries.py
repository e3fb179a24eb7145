"""Planning's own query for other people: whom it would choose to show, and what it would give them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.delivery import planner
from orchestration.errors import SincerelyError
from orchestration.landing.quoting import literal, name
from rendering.campaign import Campaign
from rendering.derived import is_derived, sources
from rendering.parts import Token

_CANDIDATES = "core.message_candidates as candidates"
_FOLDER = Path(__file__).parent
# Of the tokens made of other fields, those that name the product of a rank.
_PLACE = re.compile(r"_([0-9]+)\Z")
_FILLED = {
    "text": "coalesce(trim({0}::varchar), '') <> ''",
    "list": "coalesce(len({0}), 0) > 0",
}


def variants_of(campaign: Campaign) -> list[str]:
    """The names that planning gives the campaign's variants."""
    return [variant.name for variant in campaign.variants] or ["default"]


@dataclass(frozen=True)
class Queries:
    """The queries of one campaign's occurrence."""

    campaign: Campaign
    occurrence: str

    @property
    def parameters(self) -> list[object]:
        """What planning's query takes."""
        wanted = self.campaign.uses_recommendations
        return [wanted.list if wanted else "", wanted.count if wanted else 0, self.campaign.name, self.occurrence]

    @property
    def fields(self) -> str:
        """No row, but every field that a record has."""
        return f"select * from ({self._records(self._everyone)}) limit 0"

    def groups(self, fields: Collection[str], shown_before: Collection[str], least: int) -> str:
        """A row per group of people for whom the campaign does the same; `fields` are those that a record has."""
        present = [token for token in self.campaign.tokens.values() if set(sources(token.name)) <= set(fields)]
        filled = ", ".join(f"{literal(token.name)}: {_is_filled(token)}" for token in present)
        return _with(
            "groups.sql",
            records=self._records(self._everyone),
            standings=self._standings,
            shown="records.event_id is not null" if self.campaign.uses_events else "true",
            filled=f"{{{filled}}}" if filled else "null",
            shown_before=_texts(sorted(shown_before)),
            least=str(max(least, 1)),
        )

    def messages(self, person_ids: Collection[str]) -> str:
        """A row per person and variant."""
        variants, ids = _texts(variants_of(self.campaign)), _texts(sorted(person_ids))
        people = _with("chosen.sql", variants=variants, person_ids=f"{ids}::varchar[]")
        return _with("messages.sql", records=self._records(people), standings=self._standings)

    def _records(self, people: str) -> str:
        sql = planner.records_sql(self.campaign)
        if _CANDIDATES not in sql:
            raise SincerelyError(f"Planning's query no longer says {_CANDIDATES!r}; the preview must follow it.")
        candidates = _with(
            "candidates.sql",
            campaign=literal(self.campaign.name),
            occurrence=literal(self.occurrence),
            people=people,
            standings=self._standings,
        )
        return sql.replace(_CANDIDATES, f"{candidates} as candidates")

    @property
    def _everyone(self) -> str:
        return _with("everyone.sql", variant=literal(variants_of(self.campaign)[0]), standings=self._standings)

    @property
    def _standings(self) -> str:
        return _with("standings.sql", campaign=literal(self.campaign.name), occurrence=literal(self.occurrence))


def _is_filled(token: Token) -> str:
    """Whether a record has a value for the token, in it or in the fields that the token is made of."""
    fields = [f"records.{name(each)}" for each in sources(token.name)]
    if place := _PLACE.search(token.name) if is_derived(token.name) else None:
        return f"coalesce(len({fields[0]}), 0) >= {place[1]}"
    return " or ".join(_FILLED.get(token.type, "{0} is not null").format(field) for field in fields)


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(literal(value) for value in values)}]"


def _with(file: str, **parts: str) -> str:
    sql = (_FOLDER / file).read_text(encoding="utf-8")
    for place, part in parts.items():
        sql = sql.replace(f"/* {place} */", part)
    return sql

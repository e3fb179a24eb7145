"""The gallery: one page that opens from disk, with every message in it, and nothing that it would have to fetch."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from rendering.campaign import Campaign
from rendering.lint import MAX_HTML_BYTES
from rendering.preview.shown import Shown

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "differences.js",
    "frames.js",
    "panels.js",
    "reasons.js",
    "comparison.js",
    "list.js",
    "overview.js",
    "view.js",
    "keys.js",
)
# Messages of a campaign differ in few places: cut there, each piece is kept once.
_CUTS = re.compile(r"(?=<a )|(?<=</a>)|(?<=</div>)|(?<=</tr>)|(?<=</style>)")


@dataclass(frozen=True)
class Placement:
    """A person in a campaign's gallery: whether they get the message, why (not), their own variant, and which
    outcomes they were chosen to show."""

    person_id: str
    first_name: str
    address: str
    standing: str
    reason: str
    variant: str | None
    shows: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutcomeCount:
    """How many of those who get the message have an outcome (`kind` is `slot` or `token`)."""

    kind: str
    name: str
    value: str
    people: int


@dataclass(frozen=True)
class Section:
    """A campaign of the gallery. `problems` say why it may not leave; one without `campaign` cannot even be read."""

    name: str
    campaign: Campaign | None
    occurrence: str = ""
    audience: int = 0
    outcomes: tuple[OutcomeCount, ...] = ()
    nobody: tuple[str, ...] = ()
    people: tuple[Placement, ...] = ()
    messages: tuple[Shown, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Before:
    """An earlier version, whose messages these are held against."""

    version: str
    told: str
    messages: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Neighbour:
    """Another page of the home."""

    label: str
    address: str


def page(
    sections: Sequence[Section], as_of: str, version: str, before: Before | None, neighbours: Sequence[Neighbour] = ()
) -> str:
    """The whole gallery as one HTML file. Its policy lets nothing be fetched and no other script run."""
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    pages = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True)
    return pages.get_template("gallery.html.j2").render(
        as_of=as_of,
        version=version,
        before=before,
        neighbours=neighbours,
        style=(_FOLDER / "gallery.css").read_text(encoding="utf-8"),
        script=script,
        digest=digest,
        data=_inline(_facts(sections, as_of, version, before)),
    )


def saved(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """The messages as they are kept and compared, in an order that hangs on nothing but them."""
    messages = [_plain(message) for section in sections for message in section.messages]
    return sorted(messages, key=_key)


def changed_count(shown: Sequence[dict[str, Any]], before: Before) -> int:
    """How many of the messages are other than they were; those that are new are not counted."""
    was = {_key(each): each for each in before.messages}
    return sum(_key(each) in was and _is_changed(was[_key(each)], each) for each in shown)


def _is_changed(was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether its reader would get another message."""
    return any(was[name] != now[name] for name in ("subject", "html", "text", "headers", "problem"))


def _plain(message: Shown) -> dict[str, Any]:
    """As JSON has it, so that what is shown and what was kept compare."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(message)))
    return plain


def _key(message: dict[str, Any]) -> tuple[str, str, str]:
    return message["campaign"], message["variant"], message["person_id"]


def _facts(sections: Sequence[Section], as_of: str, version: str, before: Before | None) -> dict[str, Any]:
    earlier = {_key(each): each for each in before.messages} if before else {}
    return {
        "asOf": as_of,
        "version": version,
        "before": {"version": before.version, "told": before.told} if before else None,
        "budget": MAX_HTML_BYTES,
        "campaigns": [_section(section, earlier, is_compared=before is not None) for section in sections],
    }


def _section(
    section: Section, earlier: dict[tuple[str, str, str], dict[str, Any]], is_compared: bool
) -> dict[str, Any]:
    pieces: dict[str, int] = {}

    def packed(message: dict[str, Any]) -> dict[str, Any]:
        cut = [pieces.setdefault(piece, len(pieces)) for piece in _CUTS.split(message["html"]) if piece]
        return {**message, "html": cut}

    messages = []
    for message in map(_plain, section.messages):
        was = earlier.get(_key(message))
        is_changed = was is not None and _is_changed(was, message)
        change = "" if not is_compared else "new" if was is None else "changed" if is_changed else "same"
        messages.append({**packed(message), "change": change, "before": packed(was) if was and is_changed else None})
    campaign = section.campaign
    return {
        "name": section.name,
        "title": campaign.title if campaign else section.name,
        "purpose": campaign.purpose if campaign else "",
        "segments": list(campaign.audience.segments) if campaign else [],
        "sender": asdict(campaign.sender) if campaign else None,
        "variants": [variant.name for variant in campaign.variants] if campaign else [],
        "occurrence": section.occurrence,
        "audience": section.audience,
        "outcomes": [asdict(outcome) for outcome in section.outcomes],
        "nobody": list(section.nobody),
        "problems": list(section.problems),
        "people": [asdict(person) for person in section.people],
        "messages": messages,
        "pieces": list(pieces),
    }


def _inline(facts: dict[str, Any]) -> str:
    """JSON that can stand in a script element: no `<` that could end it."""
    return json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c")

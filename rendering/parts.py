"""The parts of a `campaign.yml`, and how each is read: a wrong value is an error with its file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from babel import Locale, UnknownLocaleError

from rendering.located import Located

TOKEN_TYPES = ("text", "number", "money", "date", "list")
# When a message leaves: `best_hour`, alone or with `between`, or as soon as it is planned.
BEST_HOUR = "best_hour"
_BETWEEN = re.compile(r"([0-9]{1,2}) ?- ?([0-9]{1,2})")
# How links lead to the shop: straight, or by an address of ours that counts the click. The first is the default.
LINKS = ("plain", "redirect")
LISTS = ("discover", "buy_again")

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ADDRESS = re.compile(r"[^\s<>,;:\"@]+@[^\s<>,;:\"@]+\.[^\s<>,;:\"@]+")


@dataclass(frozen=True)
class Audience:
    """Members of any of `segments` who are in none of `exclude_segments`."""

    segments: tuple[str, ...]
    exclude_segments: tuple[str, ...]


@dataclass(frozen=True)
class Sender:
    name: str
    email: str
    reply_to: str | None
    # Where mail that asks to unsubscribe is read, for mail programs that do not ask over the web.
    unsubscribe_email: str | None = None

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


@dataclass(frozen=True)
class Variant:
    """One arm of an experiment; what it has replaces the campaign's: the subject, the blocks that rules show (by slot
    and rule), the product list, the whole template."""

    name: str
    weight: int
    subject: str | None
    line: int
    blocks: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    list: str | None = None
    template: str | None = None

    @property
    def has_own_content(self) -> bool:
        """Whether it differs by more than the subject."""
        return bool(self.blocks or self.list or self.template)


@dataclass(frozen=True)
class Token:
    """A value that templates may use. Without a fallback, a person without the value is an error."""

    name: str
    type: str
    fallback: Any
    has_fallback: bool
    line: int


@dataclass(frozen=True)
class Recommendations:
    list: str
    count: int


@dataclass(frozen=True)
class Rule:
    """Shows `block` where the SQL predicate `when` holds; None is the default, and comes last."""

    name: str
    when: str | None
    block: str
    line: int


@dataclass(frozen=True)
class Utm:
    source: str
    medium: str
    campaign: str


@dataclass(frozen=True)
class SendAt:
    """At each person's best hour of their own clock, or the next to it from `from_hour` on and before `until_hour`."""

    from_hour: int = 0
    until_hour: int = 24


def read_name(located: Located) -> str:
    value = located.text()
    if not NAME.fullmatch(value):
        raise located.error(f"{value!r} must be lower case letters, digits and _, and start with a letter.")
    return value


def unique(located: Located, names: list[str]) -> None:
    """Raises the error at `located` where a name stands twice."""
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise located.error(f"{', '.join(sorted(repeated))} stands twice; give each its own name.")


def read_audience(located: Located) -> Audience:
    left = located.fields()
    segments, excluded = left.required("segments"), left.optional("exclude_segments")
    audience = Audience(
        tuple(read_name(item) for item in segments.items()),
        tuple(read_name(item) for item in excluded.items()) if excluded else (),
    )
    if not audience.segments:
        raise segments.error("names no segment; name at least one, or nobody gets the campaign.")
    left.nothing_else(("segments", "exclude_segments"))
    return audience


def _address(located: Located) -> str:
    value = located.text()
    if not _ADDRESS.fullmatch(value):
        raise located.error(f"{value!r} is not an e-mail address.")
    return value


def read_sender(located: Located) -> Sender:
    left = located.fields()
    name, email, reply_to = left.required("name"), left.required("email"), left.optional("reply_to")
    unsubscribe_email = left.optional("unsubscribe_email")
    left.nothing_else(("name", "email", "reply_to", "unsubscribe_email"))
    return Sender(
        name.text(),
        _address(email),
        _address(reply_to) if reply_to else None,
        _address(unsubscribe_email) if unsubscribe_email else None,
    )


def read_language(located: Located) -> str:
    value = located.text()
    try:
        return str(Locale.parse(value.replace("-", "_")))
    except (ValueError, UnknownLocaleError) as error:
        raise located.error(f"{value!r} is not a language that is known; write one such as en, pt-BR or ar.") from error


def read_website(located: Located) -> str:
    value = located.text()
    if not re.fullmatch(r"https://[^\s/?#]+", value):
        raise located.error(f"{value!r} must be https:// and a host, with no path: https://www.example.com.")
    return value


def read_tokens(located: Located) -> Mapping[str, Token]:
    tokens = {}
    for name, entry in located.fields().rest().items():
        if not NAME.fullmatch(name):
            raise entry.error("a token's name must be lower case letters, digits and _.")
        left = entry.fields()
        kind, fallback = left.required("type").choice(TOKEN_TYPES), left.optional("fallback")
        left.nothing_else(("type", "fallback"))
        value = fallback.value() if fallback else None
        tokens[name] = Token(name, kind, value, fallback is not None, entry.line)
    return MappingProxyType(tokens)


def read_recommendations(located: Located) -> Recommendations:
    left = located.fields()
    found = Recommendations(left.required("list").choice(LISTS), left.required("count").integer(1))
    left.nothing_else(("list", "count"))
    return found


def read_slots(located: Located) -> Mapping[str, tuple[Rule, ...]]:
    slots = {}
    for name, entry in located.fields().rest().items():
        if not NAME.fullmatch(name):
            raise entry.error("a slot's name must be lower case letters, digits and _.")
        rules = tuple(_rule(item) for item in entry.items())
        if not rules:
            raise entry.error("has no rule; give it at least a default (a rule without 'when').")
        unique(entry, [rule.name for rule in rules])
        slots[name] = rules
    return MappingProxyType(slots)


def _rule(located: Located) -> Rule:
    left = located.fields()
    when = left.optional("when")
    rule = Rule(
        name=read_name(left.required("rule")),
        when=when.text() if when else None,
        block=read_name(left.required("block")),
        line=when.line if when else located.line,
    )
    left.nothing_else(("rule", "when", "block"))
    return rule


def read_utm(located: Located) -> Utm:
    left = located.fields()
    utm = Utm(*(left.required(key).text() for key in ("source", "medium", "campaign")))
    left.nothing_else(("source", "medium", "campaign"))
    return utm


def read_send_at(located: Located, between: Located | None) -> SendAt:
    """`send_at: best_hour`, with `between: 8-20` where only some hours will do."""
    located.choice((BEST_HOUR,))
    if between is None:
        return SendAt()
    found = _BETWEEN.fullmatch(between.text())
    hours = [int(hour) for hour in found.groups()] if found else [0, 0]
    if not 0 <= hours[0] < hours[1] <= 24:
        raise between.error("expected two hours of a day, the earlier first, such as 8-20 (until 19:59).")
    return SendAt(*hours)

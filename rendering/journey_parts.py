"""The parts of a journey's file, and how each is read: a wrong value is an error with its file and line.

What happens to a person is a signal (`segment_entered: NAME`, `bought`), what holds at an instant a condition
(`in_segment: NAME`, `has_not_bought`). SQL interprets both (dbt_project/models/journeys/).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import yaml

from rendering.located import Located, did_you_mean
from rendering.parts import read_name

# Whether a signal names something: a segment, a stage or an activity.
_SIGNALS = {
    "segment_entered": True,
    "segment_left": True,
    "stage_entered": True,
    "stage_left": True,
    "event": True,
    "bought": False,
    "suppressed": False,
    "goal_reached": False,
}
EXITS = tuple(_SIGNALS)
ENTRIES = tuple(kind for kind in _SIGNALS if kind not in ("suppressed", "goal_reached"))
GOALS = ENTRIES
# How a condition is written: what it asks for, and whether it must hold or must not.
_CONDITIONS = {
    "in_segment": ("in_segment", False),
    "not_in_segment": ("in_segment", True),
    "stage_is": ("stage_is", False),
    "stage_is_not": ("stage_is", True),
    "has_bought": ("bought", False),
    "has_not_bought": ("bought", True),
    "has_done": ("event", False),
    "has_not_done": ("event", True),
}
_WITHOUT_NAME = ("has_bought", "has_not_bought")
_DURATION = re.compile(r"(\d{1,5}) (minute|hour|day|week)s?")


@dataclass(frozen=True)
class Signal:
    """Something that happens to a person; `value` names the segment, stage or activity, or is empty."""

    kind: str
    value: str
    line: int


@dataclass(frozen=True)
class Condition:
    """What must hold, or with `is_negated` must not, at a step's due instant. Acts count since the entry."""

    kind: str
    value: str
    is_negated: bool
    words: str
    line: int


def read_duration(located: Located, least: timedelta) -> timedelta:
    """A time such as `3 days`; a day has 24 hours."""
    value = located.value()
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise located.error(f"{value!r} is no duration; write it like 30 minutes, 12 hours, 3 days or 2 weeks.")
    found = timedelta(**{f"{match[2]}s": int(match[1])})
    if found < least:
        raise located.error(f"{value!r} is too short; give it at least {in_words(least)}.")
    return found


def in_words(duration: timedelta) -> str:
    """A duration as it is written in a journey's file."""
    seconds = int(duration.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % length == 0 and (seconds or unit == "minute"):
            count = seconds // length
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"


def read_day(located: Located) -> datetime:
    """The beginning, in UTC, of a day written like 2018-01-31."""
    value = located.value()
    if not isinstance(value, date) or isinstance(value, datetime):
        raise located.error(f"expected a day like 2018-01-31, found {value!r}.")
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def read_reentry(located: Located) -> timedelta | None:
    """None for `never`, nothing for `always`, else the time of `after: 90 days`."""
    if isinstance(located.node, yaml.MappingNode):
        left = located.fields()
        found = read_duration(left.required("after"), timedelta(hours=1))
        left.nothing_else(("after",))
        return found
    return None if located.choice(("never", "always")) == "never" else timedelta(0)


def read_signals(located: Located, kinds: Collection[str]) -> tuple[Signal, ...]:
    """One signal or a list of them, of the `kinds` that may stand here."""
    items = located.items() if isinstance(located.node, yaml.SequenceNode) else [located]
    signals = tuple(_signal(item, tuple(kinds)) for item in items)
    if not signals:
        raise located.error(f"names nothing; name one of {', '.join(kinds)}.")
    return signals


def _signal(located: Located, kinds: tuple[str, ...]) -> Signal:
    kind, value = _worded(located, kinds, tuple(kind for kind in kinds if not _SIGNALS[kind]))
    return Signal(kind, value, located.line)


def read_conditions(located: Located) -> tuple[Condition, ...]:
    """A list of conditions, all of which must hold."""
    found = []
    for item in located.items():
        word, value = _worded(item, tuple(_CONDITIONS), _WITHOUT_NAME)
        kind, is_negated = _CONDITIONS[word]
        found.append(Condition(kind, value, is_negated, f"{word} {value}".strip(), item.line))
    return tuple(found)


def _worded(located: Located, kinds: tuple[str, ...], without_name: tuple[str, ...]) -> tuple[str, str]:
    """`bought` or `{segment_entered: NAME}`, as the word and the name."""
    if not isinstance(located.node, yaml.MappingNode):
        word = located.choice(kinds)
        if word not in without_name:
            raise located.error(f"{word} needs a name; write it like {{{word}: NAME}}.")
        return word, ""
    entries = located.fields().rest()
    if len(entries) != 1:
        raise located.error("expected one word with its name, like {event: signed_up}; give each a line of its own.")
    ((word, entry),) = entries.items()
    if word not in kinds:
        raise entry.error(f"{word!r} is not one of {', '.join(kinds)}.{did_you_mean(word, kinds)}")
    if word in without_name:
        raise entry.error(f"{word} takes no name; write the word alone.")
    return word, read_name(entry)

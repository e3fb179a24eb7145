"""How a campaign keeps from being too much: caps, quiet hours, and for how long a message is worth sending."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from rendering.journey_parts import read_duration
from rendering.located import Fields, Located

FIELDS = ("cap_per_day", "cap_per_week", "ignores_caps", "quiet_hours", "lifetime")
NO_QUIET_HOURS = "none"
_HOURS = re.compile(r"([0-9]{1,2}) ?- ?([0-9]{1,2})")
_LEAST_LIFETIME = timedelta(hours=1)
# Without a lifetime of its own: what is said every day is old the next day. Of a step of a journey its lateness says.
_LIFETIMES = {
    "once": timedelta(weeks=2),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=3),
    "monthly": timedelta(weeks=1),
}


@dataclass(frozen=True)
class QuietHours:
    """From one hour of a person's clock on and before another, mostly over midnight; equal hours are none."""

    from_hour: int
    until_hour: int


@dataclass(frozen=True)
class Pacing:
    """What is None is as the project says (dbt's vars cap_per_day, cap_per_week and quiet_hours).

    What `ignores_caps` neither waits for caps nor counts for others: an answer to something that the person did.
    """

    cap_per_day: int | None = None
    cap_per_week: int | None = None
    ignores_caps: bool = False
    quiet_hours: QuietHours | None = None
    lifetime: timedelta | None = None


def read_pacing(left: Fields, occurrence: str) -> Pacing:
    """Takes the fields of FIELDS; an error names the file and line."""
    per_day, per_week = left.optional("cap_per_day"), left.optional("cap_per_week")
    ignores, quiet, lifetime = left.optional("ignores_caps"), left.optional("quiet_hours"), left.optional("lifetime")
    if lifetime and occurrence not in _LIFETIMES:
        raise lifetime.error("a campaign of journeys has none, at_most_late of their steps says it; remove it.")
    ignores_caps = _flag(ignores) if ignores else False
    for cap in (per_day, per_week):
        if cap and ignores_caps:
            raise cap.error("says nothing beside ignores_caps; remove one of them.")
    return Pacing(
        cap_per_day=per_day.integer(1) if per_day else None,
        cap_per_week=per_week.integer(1) if per_week else None,
        ignores_caps=ignores_caps,
        quiet_hours=_quiet_hours(quiet) if quiet else None,
        lifetime=read_duration(lifetime, _LEAST_LIFETIME) if lifetime else _LIFETIMES.get(occurrence),
    )


def _flag(located: Located) -> bool:
    value = located.value()
    if not isinstance(value, bool):
        raise located.error(f"expected true or false, found {value!r}.")
    return value


def _quiet_hours(located: Located) -> QuietHours:
    text = located.text()
    if text == NO_QUIET_HOURS:
        return QuietHours(0, 0)
    found = _HOURS.fullmatch(text)
    hours = [int(hour) for hour in found.groups()] if found else [0, 0]
    if hours[0] == hours[1] or max(hours) > 23:
        raise located.error(f"expected two hours from 0 to 23, such as 21-8 (until 7:59), or {NO_QUIET_HOURS}.")
    return QuietHours(*hours)

"""Quiet hours once more when a message is handed over: planning saw to them for its own hour, and this may be another.

They are written as `21-8 Europe/Berlin`: from an hour of that zone's clock on and before another, over midnight or not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


def quiet_until(quiet_hours: str, at: datetime) -> datetime | None:
    """The end of the quiet hours that are on at `at`, both UTC and without an offset; None where none are.

    In a zone that Python does not know, none are: planning, which knew it, has heeded its night.
    """
    from_hour, until_hour, zone = _parts(quiet_hours)
    if zone is None:
        return None
    local = at.replace(tzinfo=UTC).astimezone(zone)
    is_over_midnight = from_hour > until_hour
    is_after_from, is_before_until = local.hour >= from_hour, local.hour < until_hour
    if not (is_after_from or is_before_until if is_over_midnight else is_after_from and is_before_until):
        return None
    day = local.date() + timedelta(days=int(is_over_midnight and is_after_from))
    # An hour that the clocks skip is the instant at which they do; one that comes twice is the first.
    end = datetime(day.year, day.month, day.day, until_hour, tzinfo=zone)
    return end.astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=1_000)
def _parts(quiet_hours: str) -> tuple[int, int, ZoneInfo | None]:
    hours, _, name = quiet_hours.partition(" ")
    from_hour, _, until_hour = hours.partition("-")
    try:
        zone = ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        zone = None
    return int(from_hour), int(until_hour), zone

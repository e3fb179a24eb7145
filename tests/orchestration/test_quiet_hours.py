"""The night on a person's own clock, as it is looked up when a message is handed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration.delivery.quiet_hours import quiet_until

# Clocks that change by an hour or half of one, at midnight or at two o'clock, in the north and in the south; and not.
ZONES = ("America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
MINUTE = timedelta(minutes=1)
HOURS = st.integers(0, 23)
INSTANTS = st.integers(0, 2 * 366 * 24 * 60).map(lambda minutes: datetime(2017, 1, 1) + minutes * MINUTE)


def is_quiet(zone: str, from_hour: int, until_hour: int, at: datetime) -> bool:
    """Whether `at` (UTC) is between the hours, counted one by one on the zone's clock."""
    nights = {(from_hour + n) % 24 for n in range((until_hour - from_hour) % 24)}
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).hour in nights


@given(st.sampled_from(ZONES), HOURS, HOURS, INSTANTS)
def test_quiet_hours_last_until_the_first_minute_that_is_not_quiet(
    zone: str, from_hour: int, until_hour: int, at: datetime
) -> None:
    assume(from_hour != until_hour)

    minute = at
    while is_quiet(zone, from_hour, until_hour, minute):
        minute += MINUTE

    assert quiet_until(f"{from_hour}-{until_hour} {zone}", at) == (minute if minute > at else None)


def test_in_a_zone_that_nobody_knows_no_hour_is_quiet() -> None:
    assert quiet_until("0-23 Mars/Olympus", datetime(2018, 1, 1)) is None

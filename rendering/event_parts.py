"""Invitations to events: the values that a campaign with `uses_events` may print, and how the field is read."""

from __future__ import annotations

from collections.abc import Collection

from rendering.located import Fields

# The planner sends nobody a message without an event; its city and its address may be missing.
EVENT_TOKENS = ("event_topic", "event_date", "event_name", "event_city", "event_url")


def read_uses_events(left: Fields, tokens: Collection[str]) -> bool:
    """Takes `uses_events`, true or false; CampaignError where tokens of an event are declared without it, or the
    other way round."""
    field = left.optional("uses_events")
    value = False if field is None else field.value()
    if field is not None and not isinstance(value, bool):
        raise field.error(f"expected true or false, found {value!r}.")
    declared = [token for token in EVENT_TOKENS if token in tokens]
    if declared and not value:
        raise left.owner.error(f"tokens.{declared[0]} needs the event of each person; add uses_events: true.")
    if field is not None and value and not declared:
        raise field.error(f"no token says anything of the event; declare some of {', '.join(EVENT_TOKENS)}.")
    return bool(value)

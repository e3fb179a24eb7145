"""`check_audience` of a `campaign.yml`: what every recipient's message may come to before the campaign is held."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rendering.located import Fields, Located


@dataclass(frozen=True)
class AudienceLimits:
    """Shares of the messages from which on the campaign is held; None is no limit.

    `missing` of any one token; `empty_recommendations`; `failed` to render; `oversized`, whose HTML mail programs cut;
    `identical`, the same words and products as somebody else's; `changed`, by how much the number of messages, a
    rule's share or a token's missing share may differ from the last occurrence."""

    missing: float | None = None
    empty_recommendations: float | None = None
    failed: float | None = None
    oversized: float | None = None
    identical: float | None = None
    changed: float | None = None


def read_check_audience(left: Fields) -> AudienceLimits | None:
    """Takes `check_audience`, if it is there; CampaignError names the line of what is no share."""
    located = left.optional("check_audience")
    if located is None:
        return None
    names = tuple(field.name for field in fields(AudienceLimits))
    entries = located.fields()
    limits = {name: _share(entry) for name in names if (entry := entries.optional(name))}
    entries.nothing_else(names)
    if not limits:
        raise located.error(f"sets no limit; set some of {', '.join(names)}, or remove it.")
    return AudienceLimits(**limits)


def _share(located: Located) -> float:
    value = located.value()
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise located.error(f"expected a share from 0 to 1, such as 0.2, found {value!r}.")
    return float(value)

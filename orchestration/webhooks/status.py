"""How the webhooks stand, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchestration.errors import SettingsError
from orchestration.settings import Settings
from orchestration.webhooks.deliveries import Deliveries, Standing
from orchestration.webhooks.pushing import waiting_words
from orchestration.webhooks.settings import Webhook, load_webhooks


def lines(settings: Settings) -> list[str]:
    """One line a webhook for `sincerely status`; none when the home has no webhooks."""
    try:
        rows = overview(settings)
    except SettingsError as error:
        return [str(error)]
    return [f"{row['webhook']}: {row['words']}" for row in rows]


def overview(settings: Settings) -> list[dict[str, Any]]:
    """One row a webhook: where it goes, how many changes wait, were delivered and given up, and how it stands.

    A webhook that was taken out of `webhooks.toml` while changes wait for it is a row too.
    """
    webhooks = load_webhooks(settings.home)
    if not webhooks:
        return []
    deliveries = Deliveries(settings.outbox_url)
    counts = deliveries.counts()
    rows = [_row(each, deliveries.standing(each.name), counts.pop(each.name, {})) for each in webhooks]
    for name, left in counts.items():
        if _waiting(left):
            words = f"{waiting_words(left)} for it, and it is not in webhooks.toml any more: nothing is sent"
            rows.append({"webhook": name, "host": None, "segments": [], **_figures(left), "words": words})
    return rows


def _row(webhook: Webhook, standing: Standing | None, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "webhook": webhook.name,
        "host": webhook.host,
        "segments": list(webhook.segments) or "all",
        **_figures(counts),
        "words": _words(standing, counts),
    }


def _figures(counts: dict[str, int]) -> dict[str, int]:
    return {
        "waiting": _waiting(counts),
        "failed": counts.get("failed", 0),
        "delivered": counts.get("delivered", 0),
        "given_up": counts.get("given_up", 0),
    }


def _waiting(counts: dict[str, int]) -> int:
    return counts.get("waiting", 0) + counts.get("failed", 0)


def _words(standing: Standing | None, counts: dict[str, int]) -> str:
    if standing is None:
        return "starts with the next run"
    parts = [waiting_words(counts), f"{counts.get('delivered', 0):,} delivered"]
    if counts.get("given_up"):
        parts.append(f"{counts['given_up']:,} given up")
    if standing.stopped_at:
        parts.append(f"stopped since {standing.stopped_at:%Y-%m-%d %H:%M} UTC, the receiver answered 410 Gone")
    elif standing.paused_until and standing.paused_until > datetime.now(UTC).replace(tzinfo=None):
        parts.append(f"paused until {standing.paused_until:%Y-%m-%d %H:%M:%S} UTC, as the receiver asked for")
    elif standing.is_down:
        parts.append("the receiver was down when last tried")
    return ", ".join(parts)

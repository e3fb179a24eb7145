"""The handing over of a run: what is unknown is settled first, then what is planned goes to the ESP."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestration.delivery import sender
from orchestration.delivery.esp.base import Esp
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.rates import Rates
from orchestration.delivery.reconciling import Settled, settle_unknown
from orchestration.delivery.revoked import revoked_messages
from orchestration.settings import CAMPAIGNS, Settings
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns


@dataclass(frozen=True)
class HandedOver:
    """What a handing over came to, and what stands in the way of the rest, a sentence each."""

    sent: sender.Sent
    settled: Settled
    problems: list[str]


def hand_over(
    settings: Settings,
    warehouse: Warehouse,
    outbox: Outbox,
    at: datetime,
    campaign: str | None = None,
    held: sender.Held = (),
    esp: Esp | None = None,
    campaigns: Sequence[Campaign] | None = None,
) -> HandedOver:
    """Hands over all that is due at `at` (UTC), of one campaign or of all but the `held` ones."""
    esp = esp or sender.esp_for(settings)
    campaigns = load_campaigns(CAMPAIGNS) if campaigns is None else campaigns
    limit = timedelta(hours=settings.unknown_hours)
    # First what dead workers left: an event may speak of it already.
    recovered = outbox.leases.recover()
    settled = settle_unknown(warehouse, outbox, esp, campaigns, at, limit)
    started = time.monotonic()
    sent = sender.send(outbox, esp, at, campaign, held=held, revoked=revoked_messages(warehouse))
    Rates(settings.outbox_url).note(esp.name, sent.accepted, time.monotonic() - started)
    sent.taken_back += recovered.planned
    sent.unknown += recovered.unknown
    return HandedOver(sent, settled, _problems(outbox, sent, limit))


def _problems(outbox: Outbox, sent: sender.Sent, limit: timedelta) -> list[str]:
    problems = unknown_lines(outbox, limit)
    if sent.left:
        problems.append(
            f"{_messages(sent.left)} planned still, for the ESP would not take them now; the next run tries again."
        )
    return problems


def unknown_lines(outbox: Outbox, limit: timedelta) -> list[str]:
    """What waits to be known, and why, a line for each campaign and reason."""
    return [
        f"{each.campaign}: {_messages(each.count)} unknown since {each.since:%Y-%m-%d %H:%M} UTC, for {each.reason}. "
        f"Land {each.esp or 'the ESP'}'s events; after {limit.total_seconds() / 3600:g} hours the campaign's "
        "`unknown: hold` or `resend` decides."
        for each in outbox.unknown.waiting()
    ]


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"

"""The handing over of a run: what is unknown is settled first, then what is planned goes to the ESP."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestration.delivery import audience, sender
from orchestration.delivery.audience import Synced
from orchestration.delivery.crew import crew
from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.choice import AUDIENCE_ESPS
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.processes import how_many
from orchestration.delivery.rates import Rates
from orchestration.delivery.reconciling import Settled, settle_unknown
from orchestration.delivery.revoked import revoked_now
from orchestration.delivery.worker import Order
from orchestration.settings import CAMPAIGNS, Settings
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns

# From so many messages on several processes hand over.
LARGE = 20_000


@dataclass(frozen=True)
class HandedOver:
    """What a handing over came to, and what stands in the way of the rest, a sentence each."""

    sent: sender.Sent
    settled: Settled
    problems: list[str]
    # What an ESP was told that keeps an audience and is given no messages.
    synced: Synced | None = None


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
    """Hands over all that is due at `at` (UTC), of one campaign or of all but the `held` ones.

    An ESP that keeps an audience of its own is told what changed in it instead.
    """
    if settings.esp in AUDIENCE_ESPS:
        return HandedOver(sender.Sent(), Settled(), [], audience.sync(settings, warehouse, at))
    esp = esp or sender.esp_for(settings)
    campaigns = load_campaigns(CAMPAIGNS) if campaigns is None else campaigns
    limit = timedelta(hours=settings.unknown_hours)
    # First what dead workers left: an event may speak of it already.
    recovered = outbox.leases.recover()
    settled = settle_unknown(warehouse, outbox, esp, campaigns, at, limit)
    started = time.monotonic()
    revoked = revoked_now(settings, warehouse, outbox)
    if is_large(outbox, esp, campaign):
        esp.finish()
        sent = _by_many(settings, outbox, at, campaign, held, revoked)
    else:
        sent = sender.send(outbox, esp, at, campaign, held=held, revoked=revoked)
    Rates(settings.outbox_url).note(esp.name, sent.accepted, time.monotonic() - started)
    sent.taken_back += recovered.planned
    sent.unknown += recovered.unknown
    problems = [settled.problem] if settled.problem else []
    return HandedOver(sent, settled, [*problems, *_problems(outbox, sent, limit)])


def is_large(outbox: Outbox, esp: Esp, campaign: str | None) -> bool:
    """Whether so much is planned that processes of their own are worth their start; the folder writes alone."""
    planned = sum(
        count for (name, state), count in outbox.counts().items() if state == "planned" and campaign in (None, name)
    )
    return planned >= LARGE and not isinstance(esp, FolderEsp)


def _by_many(
    settings: Settings,
    outbox: Outbox,
    at: datetime,
    campaign: str | None,
    held: sender.Held,
    revoked: Mapping[str, str],
) -> sender.Sent:
    """Hands over by a process for each core: one alone is bound to one."""
    withdrawn = outbox.withdraw(revoked)
    asked = held if callable(held) else lambda: held
    order = Order(at.isoformat(), campaign, tuple(asked()))
    environ = {
        **os.environ,
        "SINCERELY_HOME": str(settings.home),
        "SINCERELY_ESP": settings.esp,
        "SINCERELY_OUTBOX_URL": settings.outbox_url,
    }
    with crew(order, how_many(), environ) as team:
        sent = team.ended(asked)
    sent.withdrawn += withdrawn
    return sent


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
        "`unknown: hold` or `resend` decides, and `sincerely settle` at any time."
        for each in outbox.unknown.waiting()
    ]


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"

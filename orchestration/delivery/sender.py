"""Handing over: takes planned batches from the outbox, gives them to the ESP, records its answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox
from orchestration.errors import DeliveryError, SettingsError, StorageError
from orchestration.settings import DEMO_SECRET, Settings


@dataclass
class Sent:
    """What a sending came to, in messages."""

    accepted: int = 0
    rejected: int = 0
    taken_back: int = 0
    withdrawn: int = 0


def esp_for(settings: Settings) -> Esp:
    """The adapter that the settings name. Only `folder` takes the demo's public key."""
    if settings.esp != "folder" and settings.secret == DEMO_SECRET:
        raise SettingsError(
            "SINCERELY_SECRET is the demo's public key; delete it from sincerely.toml before real mail leaves."
        )
    return FolderEsp(settings.outbox)


def send(
    outbox: Outbox,
    esp: Esp,
    sent_at: datetime,
    campaign: str | None = None,
    on_batch: Callable[[Sent], None] | None = None,
    held: Collection[str] = (),
    revoked: Mapping[str, str] = MappingProxyType({}),
) -> Sent:
    """Hands every planned message over; `sent_at` (UTC) is the time recorded for what is accepted.

    What earlier runs planned for the `held` campaigns waits, and so does what is for a later hour than `sent_at`;
    the `revoked` messages (id to reason) are rejected, for whom they are to must not be written to any longer.
    What a killed worker left half-way is handed over again only where that changes nothing.
    """
    sent = Sent(taken_back=outbox.take_back() if esp.is_idempotent else 0)
    sent.withdrawn = outbox.withdraw(revoked)
    for batch in outbox.claim(campaign, held, sent_at):
        try:
            answer = esp.hand_over(batch.payloads, batch.planned_at.replace(tzinfo=UTC))
        except (DeliveryError, StorageError) as error:
            outbox.release(batch, type(error).__name__)
            raise
        outbox.settle(batch, answer.rejected, sent_at.replace(tzinfo=None))
        sent.rejected += len(answer.rejected)
        sent.accepted += len(batch.payloads) - len(answer.rejected)
        if on_batch:
            on_batch(sent)
    esp.finish()
    return sent

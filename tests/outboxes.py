"""What lies in an outbox, for tests that look at what planning wrote."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.delivery.leases import Lease
from orchestration.delivery.outbox import Outbox
from rendering.payload import Payload


def leases(outbox: Outbox) -> Iterator[Lease]:
    """Takes every batch that waits for no hour, and gives none back."""
    with outbox.leases.workers.joined() as worker:
        while lease := outbox.leases.take(worker):
            yield lease


def payloads(outbox: Outbox) -> list[Payload]:
    """The messages of those batches."""
    return [message.payload for lease in leases(outbox) for message in lease.messages]

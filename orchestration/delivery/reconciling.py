"""Unknown messages settled as far as anybody knows: by events, by the ESP, by the policy of the campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.outbox import Outbox
from orchestration.errors import DeliveryError
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

# Of events that name a message, whatever they say of it: only what the ESP took has any.
_SPOKEN_OF = "select distinct message_id from core.email_events where message_id in (select unnest(?))"


@dataclass(frozen=True)
class Settled:
    """How many unknown messages were settled, and by what."""

    by_events: int = 0
    by_look_up: int = 0
    sent_again: int = 0
    # Why the ESP could not be asked.
    problem: str | None = None


def settle_unknown(
    warehouse: Warehouse,
    outbox: Outbox,
    esp: Esp,
    campaigns: Sequence[Campaign],
    at: datetime,
    limit: timedelta,
) -> Settled:
    """Settles what can be at the instant `at` (UTC).

    Of what nothing is known `limit` after it was handed over, the campaign says: `unknown: hold`, its default, leaves
    it to a person, and `unknown: resend` plans it again.
    """
    by_events = by_look_up = 0
    if (left := outbox.unknown.ids()) and warehouse.exists("core.email_events"):
        told = [str(row["message_id"]) for row in warehouse.rows(_SPOKEN_OF, [left])]
        by_events = outbox.unknown.settle_by_events(pa.table({"message_id": pa.array(told, pa.string())}))
    problem = None
    if requests := outbox.unknown.requests(esp.name):
        try:
            by_look_up = outbox.unknown.settle_by_look_up(esp.look_up(requests))
        except DeliveryError as error:
            problem = str(error)
    resending = [campaign.name for campaign in campaigns if campaign.unknown == "resend"]
    sent_again = outbox.unknown.resend(resending, (at - limit).replace(tzinfo=None)) if resending else 0
    return Settled(by_events, by_look_up, sent_again, problem)

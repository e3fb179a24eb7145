"""What a receiver is told: the body of one request.

```json
{
  "id": "0b3c…",                        the webhook-id: the same for every attempt, so that a repeat can be dropped
  "type": "segment.entered",            or segment.exited; webhook.test for `sincerely webhook test`
  "segment": "highly_engaged",
  "person_id": "5f4dcc3b…",             the id under which the change was found
  "contact_ids": ["c1", "c7"],          all contact ids of that person today, sorted; empty when none is known
  "changed_at": "2018-01-01T00:00:00Z", UTC
  "email": "ada@example.com"            only with include = ["email"]; null when none is known
}
```

Only `id`, `type`, `segment`, `person_id` and `changed_at` are the same in every attempt: who a person is, is looked
up when a request is made, so that nothing of it is kept beside the deliveries.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from orchestration.webhooks.deliveries import Delivery

TEST = "webhook.test"


@dataclass(frozen=True)
class Person:
    """Who a person is today: after a merge `person_id` is not the id of the change any more."""

    person_id: str
    contact_ids: tuple[str, ...] = ()
    email: str | None = None


def body(delivery: Delivery, person: Person, include: Collection[str]) -> bytes:
    """The body of a delivery's request."""
    facts: dict[str, object] = {
        "id": delivery.id,
        "type": TEST if delivery.change == "test" else f"segment.{delivery.change}",
        "segment": delivery.segment,
        "person_id": delivery.person_id,
        "contact_ids": sorted(person.contact_ids),
        "changed_at": _text(delivery.changed_at),
    }
    if "email" in include:
        facts["email"] = person.email
    return orjson.dumps(facts)


def _text(instant: datetime) -> str:
    return instant.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")

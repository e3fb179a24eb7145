"""What webhooks read of the warehouse: the changes of segments, and who people are today."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestration import dbt
from orchestration.errors import DeliveryError
from orchestration.warehouse import Warehouse
from orchestration.webhooks.deliveries import Deliveries, Standing
from orchestration.webhooks.payload import Person
from orchestration.webhooks.settings import Webhook

CHANGES_SQL = Path(__file__).with_name("changes.sql").read_text(encoding="utf-8")
PEOPLE_SQL = Path(__file__).with_name("people.sql").read_text(encoding="utf-8")

TRANSITIONS = "core.segment_transitions"
_BEGINNING = datetime(1, 1, 1)


def take(warehouse: Warehouse, deliveries: Deliveries, webhook: Webhook, as_of: datetime) -> int:
    """Writes down the changes up to `as_of` (UTC) that the webhook has not been given yet; returns how many.

    The first run of a webhook is where it starts: with what changes after it, or with all that ever changed where
    the webhook says `since = "beginning"`. A run whose instant is not later than an earlier one's takes nothing: it
    looks at the past, and may see changes there that were found otherwise when that was the present.
    """
    until = as_of.astimezone(UTC).replace(tzinfo=None)
    standing = deliveries.standing(webhook.name)
    if standing is None and webhook.since == "now":
        deliveries.stand(Standing(webhook.name, taken_to=until))
        return 0
    if standing is not None and until <= standing.taken_to:
        return 0
    known = standing or Standing(webhook.name, taken_to=_BEGINNING)
    segments = list(webhook.segments or dbt.segments())
    bounds = [webhook.name, known.taken_to, until, segments, list(webhook.changes)]
    with warehouse.read(CHANGES_SQL, bounds) as changes:
        return deliveries.take(dataclasses.replace(known, taken_to=until), iter(changes))


def people(warehouse: Warehouse, person_ids: Sequence[str]) -> dict[str, Person]:
    """Who each of these people is today, by the id that was asked for.

    Raises DeliveryError when the tables are not there, as in the middle of a full refresh.
    """
    if not warehouse.exists("core.profiles") or not warehouse.exists("core.identity_map"):
        raise DeliveryError("The people are not built, so nobody can be told of their changes; run `sincerely run`.")
    return {
        row["person_id"]: Person(row["present_person_id"], tuple(row["contact_ids"] or ()), row["email"])
        for row in warehouse.rows(PEOPLE_SQL, [list(person_ids)])
    }

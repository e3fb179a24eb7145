"""Unknown messages: the ESP may have taken them, and nobody read its answer. What is known later settles them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import pyarrow as pa
import sqlalchemy as sa

from orchestration.delivery.engine import reading, writing
from orchestration.delivery.leases import free
from orchestration.delivery.outbox_tables import BATCHES, MESSAGES, is_open_as

_IDS_PER_STATEMENT = 500
_IS_UNKNOWN = is_open_as("unknown")
NEVER_TAKEN = "the ESP says that it never took it"


@dataclass(frozen=True)
class Waiting:
    """Unknown messages of one campaign and reason."""

    campaign: str
    esp: str | None
    reason: str
    count: int
    since: datetime


class Unknown:
    """The unknown messages of an outbox."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def ids(self) -> list[str]:
        """Their message ids."""
        query = sa.select(MESSAGES.c.message_id).where(_IS_UNKNOWN).order_by(MESSAGES.c.message_id)
        with reading(self._engine) as connection:
            return list(connection.scalars(query))

    def requests(self, esp: str) -> list[list[str]]:
        """The ids of what `esp` was given, those of one request together, the oldest request first.

        Of a message that was handed over more than once nobody knows whose request was taken: it stands alone.
        """
        query = (
            sa.select(MESSAGES.c.batch_id, MESSAGES.c.handed_over_at, MESSAGES.c.message_id, MESSAGES.c.attempts)
            .join(BATCHES, BATCHES.c.batch_id == MESSAGES.c.batch_id)
            .where(_IS_UNKNOWN, BATCHES.c.esp == esp)
            .order_by(MESSAGES.c.handed_over_at, MESSAGES.c.message_id)
        )
        found: dict[tuple[object, ...], list[str]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                alone = row.message_id if row.attempts > 1 else None
                found.setdefault((row.batch_id, row.handed_over_at, alone), []).append(row.message_id)
        return list(found.values())

    def waiting(self) -> list[Waiting]:
        """How many there are and why, the oldest first."""
        since = sa.func.min(MESSAGES.c.handed_over_at)
        query = (
            sa.select(MESSAGES.c.campaign, BATCHES.c.esp, MESSAGES.c.error, sa.func.count(), since)
            .outerjoin(BATCHES, BATCHES.c.batch_id == MESSAGES.c.batch_id)
            .where(_IS_UNKNOWN)
            .group_by(MESSAGES.c.campaign, BATCHES.c.esp, MESSAGES.c.error)
            .order_by(since, MESSAGES.c.campaign, MESSAGES.c.error)
        )
        with reading(self._engine) as connection:
            return [Waiting(row[0], row[1], row[2] or "", int(row[3]), row[4]) for row in connection.execute(query)]

    def settle_by_events(self, events: pa.Table) -> int:
        """Accepts those that an event speaks of (`events.message_id`): nothing happens to a mail that was not taken.

        Whatever happened to it, a bounce too, is in the events; returns how many were settled.
        """
        told = set(events.column("message_id").to_pylist())
        return self._accept([message_id for message_id in self.ids() if message_id in told])

    def settle_by_look_up(self, found: Mapping[str, bool]) -> int:
        """Accepts those that the ESP says it took; those that it did not are planned again."""
        accepted = self._accept([message_id for message_id, is_taken in found.items() if is_taken])
        never = [message_id for message_id, is_taken in found.items() if not is_taken]
        return accepted + self._plan_again(never, NEVER_TAKEN)

    def resend(self, campaigns: Collection[str], handed_over_before: datetime) -> int:
        """Plans those of the campaigns again that were handed over before (UTC, without an offset): by their policy."""
        with reading(self._engine) as connection:
            due: list[str] = list(
                connection.scalars(
                    sa.select(MESSAGES.c.message_id).where(
                        _IS_UNKNOWN,
                        MESSAGES.c.campaign.in_(campaigns),
                        MESSAGES.c.handed_over_at < handed_over_before,
                    )
                )
            )
        return self._plan_again(due, "sent again, as its campaign's policy says")

    def decide(self, campaign: str, state: str, reason: str) -> int:
        """Puts a campaign's unknown messages into a state, as a person says; returns how many there were."""
        query = sa.select(MESSAGES.c.message_id).where(_IS_UNKNOWN, MESSAGES.c.campaign == campaign)
        with reading(self._engine) as connection:
            message_ids: list[str] = list(connection.scalars(query))
        if state == "accepted":
            return self._accept(message_ids)
        return self._change(message_ids, {"state": state, "error": reason})

    def _accept(self, message_ids: Sequence[str]) -> int:
        return self._change(message_ids, {"state": "accepted", "accepted_at": MESSAGES.c.handed_over_at, "error": None})

    def _plan_again(self, message_ids: Sequence[str], reason: str) -> int:
        return self._change(message_ids, {"state": "planned", "error": reason})

    def _change(self, message_ids: Sequence[str], values: Mapping[str, object]) -> int:
        """Changes those of the messages that are unknown still; their batches wait again, or go."""
        changed = 0
        for ids in _slices(message_ids):
            chosen = MESSAGES.c.message_id.in_(ids)
            with writing(self._engine) as connection:
                batches: list[str] = list(
                    connection.scalars(sa.select(MESSAGES.c.batch_id).where(chosen, _IS_UNKNOWN).distinct())
                )
                change = sa.update(MESSAGES).where(chosen, _IS_UNKNOWN)
                changed += connection.execute(change.values(**values, revision=MESSAGES.c.revision + 1)).rowcount
                # One that a worker has is seen to when it gives it back.
                free(connection, sa.and_(BATCHES.c.batch_id.in_(batches), BATCHES.c.worker.is_(None)))
        return changed


def _slices(message_ids: Sequence[str]) -> Iterator[list[str]]:
    left = iter(message_ids)
    while ids := list(islice(left, _IDS_PER_STATEMENT)):
        yield ids

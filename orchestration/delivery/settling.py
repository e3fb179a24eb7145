"""What becomes of a batch's messages: given to the ESP, and then by its answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa

from orchestration.delivery.engine import writing
from orchestration.delivery.esp.base import Answer
from orchestration.delivery.leases import Lease
from orchestration.delivery.outbox_tables import BATCHES, MESSAGES
from orchestration.delivery.quiet_hours import quiet_until
from orchestration.delivery.stored import Stored

EXPIRED = "expired"


class Begun(NamedTuple):
    """Messages that may go now, and until when the first of the others has to wait (UTC); None where none has to."""

    going: list[Stored]
    waiting_until: datetime | None = None


class Settling:
    """The two moments of handing over that are written down: before the ESP is asked, and after it has answered."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self, lease: Lease, messages: Sequence[Stored], esp: str, is_idempotent: bool, at: datetime) -> Begun:
        """Those of the messages that may go now, `sending` from here on; none when the lease was lost.

        One that expired by `at` (UTC, without an offset), or was withdrawn since, does not go; one in whose person's
        quiet hours `at` falls waits for their end.
        """
        of_part = _of(lease, messages)
        with writing(self._engine) as connection:
            kept = connection.execute(
                sa.update(BATCHES)
                .where(BATCHES.c.batch_id == lease.batch_id, BATCHES.c.worker == lease.worker)
                .values(esp=esp, is_idempotent=is_idempotent)
            )
            if not kept.rowcount:
                return Begun([])
            connection.execute(
                sa.update(MESSAGES)
                .where(of_part, MESSAGES.c.state == "planned", MESSAGES.c.expires_at <= at)
                .values(state="rejected", error=EXPIRED, revision=MESSAGES.c.revision + 1)
            )
            waiting_until = _keep_quiet(connection, of_part, at)
            taken = connection.execute(
                sa.update(MESSAGES)
                .where(of_part, MESSAGES.c.state == "planned", _is_due(at))
                .values(
                    state="sending",
                    attempts=MESSAGES.c.attempts + 1,
                    handed_over_at=at,
                    revision=MESSAGES.c.revision + 1,
                )
                .returning(MESSAGES.c.message_id)
            )
            going: set[str] = set(taken.scalars())
        return Begun([message for message in messages if message.message_id in going], waiting_until)

    def settle(self, lease: Lease, messages: Sequence[Stored], answer: Answer, accepted_at: datetime) -> None:
        """Records what the ESP answered about `messages`: whom it does not name, it accepted.

        An answer that comes when the lease is lost counts too: it is what happened.
        """
        with writing(self._engine) as connection:
            _put(connection, "rejected", answer.rejected)
            _put(connection, "unknown", answer.unknown)
            _put(connection, "planned", {**answer.left, **answer.deferred})
            named = answer.rejected.keys() | answer.unknown.keys() | answer.left.keys() | answer.deferred.keys()
            accepted = [message for message in messages if message.message_id not in named]
            if accepted:
                connection.execute(
                    sa.update(MESSAGES)
                    .where(_of(lease, accepted), MESSAGES.c.state.in_(("sending", "unknown")))
                    .values(state="accepted", accepted_at=accepted_at, error=None, revision=MESSAGES.c.revision + 1)
                )


def _keep_quiet(connection: sa.Connection, of_part: sa.ColumnElement[bool], at: datetime) -> datetime | None:
    """Puts those off in whose quiet hours `at` falls, to their end; returns the first such end."""
    is_planned = sa.and_(of_part, MESSAGES.c.state == "planned")
    in_force = sa.and_(is_planned, MESSAGES.c.quiet_hours.is_not(None), _is_due(at))
    hours: list[str] = list(connection.scalars(sa.select(MESSAGES.c.quiet_hours).where(in_force).distinct()))
    ends = {each: end for each in hours if (end := quiet_until(each, at))}
    for quiet_hours, end in ends.items():
        connection.execute(
            sa.update(MESSAGES)
            .where(in_force, MESSAGES.c.quiet_hours == quiet_hours)
            .values(not_before=end, revision=MESSAGES.c.revision + 1)
        )
    waiting = sa.select(sa.func.min(MESSAGES.c.not_before)).where(is_planned, MESSAGES.c.not_before > at)
    return connection.scalar(waiting)


def _is_due(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(MESSAGES.c.not_before.is_(None), MESSAGES.c.not_before <= at)


def _put(connection: sa.Connection, state: str, reasons: Mapping[str, str]) -> None:
    """Puts messages (id to reason) into a state, those of one reason together."""
    ordered = sorted(reasons, key=lambda message_id: reasons[message_id])
    for reason, message_ids in groupby(ordered, key=lambda message_id: reasons[message_id]):
        connection.execute(
            sa.update(MESSAGES)
            .where(_ids(list(message_ids)), MESSAGES.c.state.in_(("sending", "unknown")))
            .values(state=state, error=reason, revision=MESSAGES.c.revision + 1)
        )


def _of(lease: Lease, messages: Sequence[Stored]) -> sa.ColumnElement[bool]:
    """The messages, by their batch alone where they are all of it."""
    if len(messages) == len(lease.messages):
        return MESSAGES.c.batch_id == lease.batch_id
    return _ids([message.message_id for message in messages])


def _ids(message_ids: Collection[str]) -> sa.ColumnElement[bool]:
    return MESSAGES.c.message_id.in_(message_ids)

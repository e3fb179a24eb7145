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
_IS_SENDING = MESSAGES.c.state == "sending"


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
            waiting_until = _hold_back(connection, of_part, at)
            taken = connection.execute(
                sa.update(MESSAGES)
                .where(of_part, MESSAGES.c.state == "planned", _is_due(at))
                .values(
                    state="sending",
                    attempts=MESSAGES.c.attempts + 1,
                    handed_over_at=at,
                    revision=MESSAGES.c.revision + 1,
                )
            )
            if taken.rowcount == len(messages):
                return Begun(list(messages), waiting_until)
            # The lease is ours, so what is on its way of this part is what was just taken.
            going: set[str] = set(connection.scalars(sa.select(MESSAGES.c.message_id).where(of_part, _IS_SENDING)))
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


def _hold_back(connection: sa.Connection, of_part: sa.ColumnElement[bool], at: datetime) -> datetime | None:
    """Rejects what expired by `at`, and puts those off in whose quiet hours it falls, to their end; returns the first
    instant for which any of the part waits. It looks at all of them once, for mostly none is to be held back."""
    is_planned = sa.and_(of_part, MESSAGES.c.state == "planned")
    is_expired = MESSAGES.c.expires_at <= at
    waits_for = sa.case((MESSAGES.c.not_before > at, MESSAGES.c.not_before))
    seen = connection.execute(
        sa.select(MESSAGES.c.quiet_hours, sa.func.max(sa.case((is_expired, 1))), sa.func.max(waits_for))
        .where(is_planned)
        .group_by(MESSAGES.c.quiet_hours)
    ).all()
    if any(expired for _, expired, _ in seen):
        change = sa.update(MESSAGES).where(is_planned, is_expired)
        connection.execute(change.values(state="rejected", error=EXPIRED, revision=MESSAGES.c.revision + 1))
    ends = {hours: end for hours in (str(row[0]) for row in seen if row[0]) if (end := quiet_until(hours, at))}
    for quiet_hours, end in ends.items():
        connection.execute(
            sa.update(MESSAGES)
            .where(is_planned, MESSAGES.c.quiet_hours == quiet_hours, _is_due(at))
            .values(not_before=end, revision=MESSAGES.c.revision + 1)
        )
    if not ends and not any(waits for _, _, waits in seen):
        return None
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

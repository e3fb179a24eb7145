"""Batches on lease: at any time one worker has one, and what a dead worker leaves is taken up by rule, not by guess."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from orchestration.delivery.engine import reading, writing
from orchestration.delivery.outbox_tables import BATCHES, CONTENTS, MESSAGES, OPEN_STATES
from orchestration.delivery.stored import Stored, unpack
from orchestration.delivery.workers import Workers
from orchestration.errors import DeliveryError

# A worker renews its leases while it lives, so this is how long its death may stay unseen by other machines.
LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Lease:
    """A batch that `worker` has. `messages` are all of it, whatever their states."""

    batch_id: str
    campaign: str
    planned_at: datetime
    worker: str
    messages: tuple[Stored, ...]


@dataclass(frozen=True)
class Recovered:
    """What dead workers left, in messages: planned again, or unknown."""

    planned: int = 0
    unknown: int = 0


class Leases:
    """The leases of an outbox. `clock` gives seconds since 1970; a server's own clock goes before it."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], float] = time.time, lease: timedelta = LEASE) -> None:
        self._engine = engine
        self._clock = clock
        self.length = lease
        database = engine.url.database
        is_file = engine.dialect.name == "sqlite" and database not in (None, "", ":memory:")
        self.workers = Workers(Path(f"{database}.workers") if is_file else None)

    def take(
        self, worker: str, campaign: str | None = None, held: Collection[str] = (), at: datetime | None = None
    ) -> Lease | None:
        """Leases the next batch that is due at `at` (UTC, without an offset) to `worker`; None when there is none.

        Without `at`, nothing that waits for an hour is due. What is of the `held` campaigns waits. DeliveryError for a
        batch that is damaged.
        """
        is_due: sa.ColumnElement[bool] = BATCHES.c.not_before.is_(None)
        if at:
            is_due = sa.or_(is_due, BATCHES.c.not_before <= at)
        free = sa.select(BATCHES.c.batch_id).where(BATCHES.c.is_waiting, BATCHES.c.worker.is_(None), is_due)
        if campaign:
            free = free.where(BATCHES.c.campaign == campaign)
        if held:
            free = free.where(BATCHES.c.campaign.not_in(held))
        first = free.order_by(BATCHES.c.planned_at, BATCHES.c.batch_id).limit(1).with_for_update(skip_locked=True)
        change = (
            sa.update(BATCHES)
            .where(BATCHES.c.batch_id == first.scalar_subquery(), BATCHES.c.worker.is_(None))
            .values(worker=worker, leased_until=self._now() + self.length.total_seconds())
            .returning(BATCHES.c.batch_id, BATCHES.c.campaign, BATCHES.c.planned_at, BATCHES.c.payloads)
        )
        with writing(self._engine) as connection:
            row = connection.execute(change).one_or_none()
            if row is None:
                return None
            content = row.payloads or connection.scalar(
                sa.select(CONTENTS.c.payloads).where(CONTENTS.c.batch_id == row.batch_id)
            )
        try:
            messages = tuple(unpack(content or b""))
        except (ValueError, OSError, zlib.error, struct.error) as error:
            raise DeliveryError(
                f"Batch {row.batch_id} of the outbox cannot be read ({type(error).__name__}); restore the outbox from "
                "a backup, its messages were planned and cannot be rendered again."
            ) from error
        return Lease(row.batch_id, row.campaign, row.planned_at, worker, messages)

    def renew(self, worker: str) -> None:
        """Lengthens all that `worker` has."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(BATCHES)
                .where(BATCHES.c.worker == worker)
                .values(leased_until=self._now() + self.length.total_seconds())
            )

    def give_back(self, lease: Lease, not_before: datetime | None = None) -> None:
        """Ends a lease; with `not_before` (UTC, without an offset) nobody has the batch again until then.

        A batch with nothing open goes, content and all.
        """
        with writing(self._engine) as connection:
            is_ours = sa.and_(
                BATCHES.c.batch_id == lease.batch_id,
                sa.or_(BATCHES.c.worker == lease.worker, BATCHES.c.worker.is_(None)),
            )
            if not_before:
                connection.execute(sa.update(BATCHES).where(is_ours).values(not_before=not_before))
            free(connection, is_ours)

    def recover(self) -> Recovered:
        """Takes up what workers left whose lease ran out, or who are dead.

        What the ESP was never given is planned still. What it may have taken is unknown, or planned again where
        giving it once more changes nothing.
        """
        with reading(self._engine) as connection:
            named: list[str] = list(
                connection.scalars(sa.select(BATCHES.c.worker).where(BATCHES.c.worker.is_not(None)).distinct())
            )
        dead = [worker for worker in named if self.workers.is_dead(worker)]
        self.workers.bury()
        is_over = sa.or_(BATCHES.c.worker.in_(dead), BATCHES.c.leased_until < self._now())
        # An earlier version had no leases, and no ESP but the folder.
        is_orphan = sa.and_(
            BATCHES.c.worker.is_(None),
            sa.exists().where(MESSAGES.c.batch_id == BATCHES.c.batch_id, MESSAGES.c.state == "sending"),
        )
        with writing(self._engine) as connection:
            left = connection.execute(
                sa.select(BATCHES.c.batch_id, BATCHES.c.is_idempotent)
                .where(sa.or_(sa.and_(BATCHES.c.worker.is_not(None), is_over), is_orphan))
                .with_for_update(skip_locked=True)
            ).all()
            planned = [row.batch_id for row in left if row.is_idempotent is not False]
            unknown = [row.batch_id for row in left if row.is_idempotent is False]
            recovered = Recovered(
                _put(connection, planned, "planned", None),
                _put(connection, unknown, "unknown", "its worker died before the answer was read"),
            )
            if left:
                free(connection, BATCHES.c.batch_id.in_([row.batch_id for row in left]))
        return recovered

    def _now(self) -> sa.ColumnElement[float]:
        if self._engine.dialect.name == "postgresql":
            return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Float)
        return sa.literal(self._clock())


def free(connection: sa.Connection, batches: sa.ColumnElement[bool]) -> None:
    """Batches that nobody has any longer: they wait if messages in them are planned, and go if none is open."""
    of_batch = MESSAGES.c.batch_id == BATCHES.c.batch_id
    is_waiting = sa.exists().where(of_batch, MESSAGES.c.state == "planned")
    is_open = sa.exists().where(of_batch, MESSAGES.c.state.in_(OPEN_STATES))
    is_done = sa.and_(batches, ~is_open)
    connection.execute(sa.delete(CONTENTS).where(CONTENTS.c.batch_id.in_(sa.select(BATCHES.c.batch_id).where(is_done))))
    connection.execute(sa.delete(BATCHES).where(is_done))
    connection.execute(sa.update(BATCHES).where(batches).values(worker=None, leased_until=None, is_waiting=is_waiting))


def _put(connection: sa.Connection, batch_ids: Sequence[str], state: str, error: str | None) -> int:
    if not batch_ids:
        return 0
    change = (
        sa.update(MESSAGES)
        .where(MESSAGES.c.batch_id.in_(batch_ids), MESSAGES.c.state == "sending")
        .values(state=state, error=error, revision=MESSAGES.c.revision + 1)
    )
    return int(connection.execute(change).rowcount)

"""The deliveries: one row per webhook and change of a segment, ever, beside the outbox.

A delivery goes waiting -> delivered, or by way of failed, which is tried again, to delivered or given_up. It is
written down before its first attempt. Who the person is does not stand here, nor what a receiver answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from orchestration.delivery.engine import durable_engine
from orchestration.errors import LockedError, StorageError

METADATA = sa.MetaData()

# Written out in the index and in the queries alike: a database uses a partial index only where it sees the same words.
_IS_OPEN = sa.text("state in ('waiting', 'failed')")

DELIVERIES = sa.Table(
    "webhook_deliveries",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("webhook", sa.String(64), nullable=False),
    sa.Column("segment", sa.String(128), nullable=False),
    sa.Column("person_id", sa.String(64), nullable=False),
    sa.Column("change", sa.String(16), nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
    # The order in which a webhook tells its changes.
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", sa.DateTime),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.String(200)),
    sa.Column("delivered_at", sa.DateTime),
    sa.Index("webhook_deliveries_open", "webhook", "position", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    sa.Index("webhook_deliveries_by_person", "webhook", "person_id", "position"),
    sa.Index("webhook_deliveries_by_state", "webhook", "state"),
)

WEBHOOKS = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("webhook", sa.String(64), primary_key=True),
    # Changes up to this instant, the as_of of a run, are written down or were before the webhook's time.
    sa.Column("taken_to", sa.DateTime, nullable=False),
    sa.Column("last_position", sa.BigInteger, nullable=False),
    # The receiver wants no more (410): nothing is sent until a person says so.
    sa.Column("stopped_at", sa.DateTime),
    # The receiver wants a pause (Retry-After).
    sa.Column("paused_until", sa.DateTime),
    # It answered nothing well when last tried: the next run tries with a few requests before it sends many.
    sa.Column("is_down", sa.Boolean, nullable=False),
)

# Any number, as long as nobody else uses it: it stands for "delivers webhooks" among a server's advisory locks.
_ADVISORY_LOCK = 7_406_151_883
_ROWS_PER_STATEMENT = 5_000


@dataclass(frozen=True)
class Delivery:
    """One change that one webhook is told. Times are UTC, without an offset."""

    id: str
    webhook: str
    segment: str
    person_id: str
    change: str
    changed_at: datetime
    position: int = 0
    state: str = "waiting"
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """How a webhook stands with its receiver."""

    webhook: str
    taken_to: datetime
    last_position: int = 0
    stopped_at: datetime | None = None
    paused_until: datetime | None = None
    is_down: bool = False


@dataclass(frozen=True)
class Retried:
    """What was put in line again, and what was not, for a later change of the same person was delivered."""

    in_line: int
    outdated: int


class Deliveries:
    """The deliveries behind a SQLAlchemy URL, the outbox's own."""

    def __init__(self, url: str) -> None:
        self._engine = durable_engine(url)
        with self._storage():
            METADATA.create_all(self._engine)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other machines that share a server from delivering meanwhile; LockedError when one does.

        The server frees the lock when this process or its connection dies. In one home a lock file does the same.
        """
        if self._engine.dialect.name != "postgresql":
            yield
            return
        with self._storage(), self._engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_ADVISORY_LOCK))):
                raise LockedError("Another machine is delivering this outbox's webhooks; run again when it has ended.")
            try:
                yield
            finally:
                connection.scalar(sa.select(sa.func.pg_advisory_unlock(_ADVISORY_LOCK)))

    def standing(self, webhook: str) -> Standing | None:
        """How a webhook stands; None before its first run."""
        query = sa.select(WEBHOOKS).where(WEBHOOKS.c.webhook == webhook)
        with self._storage(), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Standing(**row._mapping) if row else None

    def stand(self, standing: Standing) -> None:
        """Writes down how a webhook stands now."""
        with self._storage(), self._engine.begin() as connection:
            self._stand(connection, standing)

    def take(self, standing: Standing, changes: Iterator[pa.RecordBatch]) -> int:
        """Writes changes down after those that the webhook has, and that they were taken: all of it or nothing.

        A batch has `id, segment, person_id, change, changed_at`, in the order in which they are told; one that is
        written down already stays as it is. Returns how many there were.
        """
        insert = self._insert(DELIVERIES).on_conflict_do_nothing()
        position = standing.last_position
        with self._storage(), self._engine.begin() as connection:
            for batch in changes:
                rows = [
                    {**row, "webhook": standing.webhook, "position": number, "state": "waiting", "attempts": 0}
                    for number, row in enumerate(batch.to_pylist(), position + 1)
                ]
                for start in range(0, len(rows), _ROWS_PER_STATEMENT):
                    connection.execute(insert, rows[start : start + _ROWS_PER_STATEMENT])
                position += len(rows)
            self._stand(connection, Standing(**{**asdict(standing), "last_position": position}))
        return position - standing.last_position

    def open_ones(self, webhook: str, after: int, limit: int) -> list[Delivery]:
        """The next deliveries behind a position that are neither delivered nor given up, in their order."""
        query = (
            sa.select(DELIVERIES)
            .where(DELIVERIES.c.webhook == webhook, DELIVERIES.c.position > after, _IS_OPEN)
            .order_by(DELIVERIES.c.position)
            .limit(limit)
        )
        with self._storage(), self._engine.connect() as connection:
            return [Delivery(**row._mapping) for row in connection.execute(query)]

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Writes down what came of attempts; it is on the disk when this returns."""
        change = (
            sa.update(DELIVERIES)
            .where(DELIVERIES.c.id == sa.bindparam("of_id"))
            .values({name: sa.bindparam(f"new_{name}") for name in _OUTCOME})
        )
        rows = [
            {"of_id": each.id, **{f"new_{name}": getattr(each, name) for name in _OUTCOME}} for each in deliveries
        ]  # fmt: skip
        with self._storage(), self._engine.begin() as connection:
            connection.execute(change, rows)

    def retry(self, webhook: str) -> Retried:
        """Makes what failed due at once, puts what was given up in line again, and lets a stopped webhook go on.

        What was given up stays so where a later change of the person was delivered: told now, it would undo that.
        """
        later = DELIVERIES.alias("later")
        is_outdated = sa.exists().where(
            later.c.webhook == DELIVERIES.c.webhook,
            later.c.person_id == DELIVERIES.c.person_id,
            later.c.position > DELIVERIES.c.position,
            later.c.state == "delivered",
        )
        ours = DELIVERIES.c.webhook == webhook
        given_up = sa.and_(ours, DELIVERIES.c.state == "given_up")
        again = {"state": "waiting", "attempts": 0, "next_attempt_at": None}
        with self._storage(), self._engine.begin() as connection:
            connection.execute(
                sa.update(DELIVERIES).where(ours, DELIVERIES.c.state == "failed").values(next_attempt_at=None)
            )
            outdated = connection.scalar(sa.select(sa.func.count()).where(given_up, is_outdated)) or 0
            requeued = connection.execute(sa.update(DELIVERIES).where(given_up, ~is_outdated).values(again)).rowcount
            connection.execute(
                sa.update(WEBHOOKS)
                .where(WEBHOOKS.c.webhook == webhook)
                .values(stopped_at=None, paused_until=None, is_down=False)
            )
        return Retried(int(requeued), int(outdated))

    def counts(self) -> dict[str, dict[str, int]]:
        """How many deliveries there are by webhook and state."""
        query = sa.select(DELIVERIES.c.webhook, DELIVERIES.c.state, sa.func.count()).group_by(
            DELIVERIES.c.webhook, DELIVERIES.c.state
        )
        found: dict[str, dict[str, int]] = {}
        with self._storage(), self._engine.connect() as connection:
            for row in connection.execute(query):
                found.setdefault(str(row[0]), {})[str(row[1])] = int(row[2])
        return found

    def troubled(self, webhook: str, limit: int) -> list[Delivery]:
        """The oldest deliveries that failed, or were given up, in their order."""
        query = (
            sa.select(DELIVERIES)
            .where(DELIVERIES.c.webhook == webhook, DELIVERIES.c.state.in_(("failed", "given_up")))
            .order_by(DELIVERIES.c.position)
            .limit(limit)
        )
        with self._storage(), self._engine.connect() as connection:
            return [Delivery(**row._mapping) for row in connection.execute(query)]

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)

    def _stand(self, connection: sa.Connection, standing: Standing) -> None:
        values = asdict(standing)
        insert = self._insert(WEBHOOKS).values(values)
        connection.execute(insert.on_conflict_do_update(index_elements=["webhook"], set_=values))

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.OperationalError as error:
            raise StorageError(
                f"The webhooks' deliveries cannot be used: {error.orig}. Check the disk and SINCERELY_OUTBOX_URL, "
                "then run again: each change is still told in its order."
            ) from error


_OUTCOME = ("state", "attempts", "next_attempt_at", "last_status", "last_error", "delivered_at")

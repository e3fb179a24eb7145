"""The outbox: one row per message, ever. Besides `raw`, the only state that cannot be derived again.

A message goes planned -> sending -> accepted | rejected; `held_out` is written down and never sent. The
primary key makes a second message of the same campaign, occurrence and person impossible.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa

from orchestration.delivery.engine import durable_engine
from orchestration.errors import DeliveryError, StorageError
from rendering.payload import Payload

METADATA = sa.MetaData()

MESSAGES = sa.Table(
    "messages",
    METADATA,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("campaign", sa.String(128), nullable=False),
    sa.Column("occurrence", sa.String(64), nullable=False),
    sa.Column("person_id", sa.String(64), nullable=False),
    sa.Column("email", sa.String(254)),
    sa.Column("variant", sa.String(64)),
    sa.Column("is_holdout", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("planned_at", sa.DateTime, nullable=False),
    sa.Column("accepted_at", sa.DateTime),
    # UTC; until then it is not handed over.
    sa.Column("not_before", sa.DateTime),
    # UTC; after it, it is not worth handing over.
    sa.Column("expires_at", sa.DateTime),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    sa.Column("decisions", sa.Text),
    sa.Column("batch_id", sa.String(64), index=True),
    sa.Column("revision", sa.Integer, nullable=False, default=1),
    sa.Index("messages_by_occurrence", "campaign", "occurrence"),
    sa.Index("messages_by_state", "state"),
)

BATCHES = sa.Table(
    "batches",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("campaign", sa.String(128), nullable=False),
    sa.Column("planned_at", sa.DateTime, nullable=False),
    sa.Column("payloads", sa.LargeBinary, nullable=False),
)

_ARROW = pa.schema(
    [
        ("message_id", pa.string()),
        ("campaign", pa.string()),
        ("occurrence", pa.string()),
        ("person_id", pa.string()),
        ("email", pa.string()),
        ("variant", pa.string()),
        ("state", pa.string()),
        ("error", pa.string()),
        ("decisions", pa.string()),
        ("attempts", pa.int64()),
        ("revision", pa.int64()),
        ("is_holdout", pa.bool_()),
        ("planned_at", pa.timestamp("us")),
        ("accepted_at", pa.timestamp("us")),
        ("not_before", pa.timestamp("us")),
        ("expires_at", pa.timestamp("us")),
    ]
)
_FETCH_ROWS = 10_000
_LOOKED_UP_IDS = 500


@dataclass(frozen=True)
class Batch:
    """Messages that were planned together and are handed over together."""

    batch_id: str
    campaign: str
    planned_at: datetime
    payloads: tuple[Payload, ...]


@dataclass(frozen=True)
class Planned:
    """A message to be written down. `payload` is None for a hold-out."""

    message_id: str
    campaign: str
    occurrence: str
    person_id: str
    variant: str | None
    decisions: tuple[dict[str, str], ...] = ()
    payload: Payload | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None


class Outbox:
    """The outbox behind a SQLAlchemy URL: SQLite by default."""

    def __init__(self, url: str) -> None:
        self._engine = durable_engine(url)
        with self._storage():
            METADATA.create_all(self._engine)
            for column in ("not_before", "expires_at"):
                _add_instant(self._engine, column)

    def known(self, message_ids: Sequence[str]) -> set[str]:
        """Those of the ids whose messages are written down already."""
        found: set[str] = set()
        with self._storage(), self._engine.connect() as connection:
            for start in range(0, len(message_ids), _LOOKED_UP_IDS):
                asked = message_ids[start : start + _LOOKED_UP_IDS]
                found |= set(
                    connection.scalars(sa.select(MESSAGES.c.message_id).where(MESSAGES.c.message_id.in_(asked)))
                )
        return found

    def last_planned_at(self) -> datetime | None:
        """The newest instant, in UTC, at which a message was written down; None in an empty outbox."""
        with self._storage(), self._engine.connect() as connection:
            newest: datetime | None = connection.scalar(sa.select(sa.func.max(MESSAGES.c.planned_at)))
        return newest.replace(tzinfo=UTC) if newest else None

    def plan(self, messages: Sequence[Planned], planned_at: datetime) -> None:
        """Writes messages and their payloads down, all of them or none; those of one hour are one batch."""
        with self._storage(), self._engine.begin() as connection:
            for _, together in groupby(sorted(messages, key=_hour), key=_hour):
                _insert(connection, list(together), planned_at)

    def claim(
        self, campaign: str | None = None, held: Collection[str] = (), at: datetime | None = None
    ) -> Iterator[Batch]:
        """Takes planned batches one after another; each is `sending` from the moment it is given out.

        What is planned for the `held` campaigns waits, and so does what must not leave before an hour after `at`
        (UTC); without `at`, all that waits for an hour.
        """
        while (batch := self._claim_one(campaign, held, at)) is not None:
            yield batch

    def withdraw(self, reasons: Mapping[str, str]) -> int:
        """Rejects those of the messages (id to reason) that are still planned; returns how many."""
        withdrawn = 0
        with self._storage(), self._engine.begin() as connection:
            for message_id, reason in reasons.items():
                change = (
                    sa.update(MESSAGES)
                    .where(MESSAGES.c.message_id == message_id, MESSAGES.c.state == "planned")
                    .values(state="rejected", error=reason, revision=MESSAGES.c.revision + 1)
                )
                withdrawn += connection.execute(change).rowcount
        return withdrawn

    def waiting(self, at: datetime) -> dict[str, tuple[int, datetime]]:
        """By campaign, how many planned messages wait for an hour after `at` (UTC), and the first such hour."""
        query = (
            sa.select(MESSAGES.c.campaign, sa.func.count(), sa.func.min(MESSAGES.c.not_before))
            .where(MESSAGES.c.state == "planned", MESSAGES.c.not_before > at.replace(tzinfo=None))
            .group_by(MESSAGES.c.campaign)
        )
        with self._storage(), self._engine.connect() as connection:
            return {str(row[0]): (int(row[1]), row[2]) for row in connection.execute(query)}

    def take_back(self) -> int:
        """Puts what a dead worker left `sending` back to planned. Right only where handing over the same
        message again changes nothing, and while nobody else sends."""
        change = (
            sa.update(MESSAGES)
            .where(MESSAGES.c.state == "sending")
            .values(state="planned", revision=MESSAGES.c.revision + 1)
        )
        with self._storage(), self._engine.begin() as connection:
            return int(connection.execute(change).rowcount)

    def settle(self, batch: Batch, rejected: dict[str, str], accepted_at: datetime) -> None:
        """Records the ESP's answer: `rejected` maps message ids to reasons, all others were accepted."""
        is_batch = sa.and_(MESSAGES.c.batch_id == batch.batch_id, MESSAGES.c.state == "sending")
        with self._storage(), self._engine.begin() as connection:
            for message_id, reason in rejected.items():
                connection.execute(
                    sa.update(MESSAGES)
                    .where(is_batch, MESSAGES.c.message_id == message_id)
                    .values(state="rejected", error=reason, revision=MESSAGES.c.revision + 1)
                )
            connection.execute(
                sa.update(MESSAGES)
                .where(is_batch)
                .values(state="accepted", accepted_at=accepted_at, revision=MESSAGES.c.revision + 1)
            )
            connection.execute(sa.delete(BATCHES).where(BATCHES.c.batch_id == batch.batch_id))

    def release(self, batch: Batch, reason: str) -> None:
        """Gives a batch back that was certainly not handed over."""
        with self._storage(), self._engine.begin() as connection:
            connection.execute(
                sa.update(MESSAGES)
                .where(MESSAGES.c.batch_id == batch.batch_id, MESSAGES.c.state == "sending")
                .values(state="planned", error=reason, revision=MESSAGES.c.revision + 1)
            )

    def counts(self) -> dict[tuple[str, str], int]:
        """How many messages there are by campaign and state."""
        query = sa.select(MESSAGES.c.campaign, MESSAGES.c.state, sa.func.count()).group_by(
            MESSAGES.c.campaign, MESSAGES.c.state
        )
        with self._storage(), self._engine.connect() as connection:
            return {(str(row[0]), str(row[1])): int(row[2]) for row in connection.execute(query)}

    def read_all(self) -> pa.RecordBatchReader:
        """Every message in its present state, as Arrow batches ordered by message id."""
        return pa.RecordBatchReader.from_batches(_ARROW, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        query = sa.select(*(MESSAGES.c[name] for name in _ARROW.names)).order_by(MESSAGES.c.message_id)
        with self._storage(), self._engine.connect() as connection:
            for rows in connection.execution_options(yield_per=_FETCH_ROWS).execute(query).partitions():
                columns: Iterable[Any] = zip(*rows, strict=True)
                yield pa.RecordBatch.from_arrays(
                    [pa.array(values, field.type) for values, field in zip(columns, _ARROW, strict=True)],
                    schema=_ARROW,
                )

    def _claim_one(self, campaign: str | None, held: Collection[str], at: datetime | None) -> Batch | None:
        is_due: sa.ColumnElement[bool] = MESSAGES.c.not_before.is_(None)
        if at:
            is_due = sa.or_(is_due, MESSAGES.c.not_before <= at.replace(tzinfo=None))
        waiting = sa.and_(MESSAGES.c.state == "planned", is_due)
        if campaign:
            waiting = sa.and_(waiting, MESSAGES.c.campaign == campaign)
        if held:
            waiting = sa.and_(waiting, MESSAGES.c.campaign.not_in(held))
        with self._storage(), self._engine.begin() as connection:
            batch_id = connection.scalar(
                sa.select(MESSAGES.c.batch_id).where(waiting).order_by(MESSAGES.c.batch_id).limit(1)
            )
            if batch_id is None:
                return None
            taken = connection.execute(
                sa.update(MESSAGES)
                .where(MESSAGES.c.batch_id == batch_id, MESSAGES.c.state == "planned")
                .values(state="sending", attempts=MESSAGES.c.attempts + 1, revision=MESSAGES.c.revision + 1)
                .returning(MESSAGES.c.message_id)
            )
            claimed: set[str] = set(taken.scalars())
            row = connection.execute(sa.select(BATCHES).where(BATCHES.c.batch_id == batch_id)).one_or_none()
        if row is None:
            raise DeliveryError(
                f"The outbox has no payloads for batch {batch_id}; restore the outbox from a backup, "
                "its messages were planned and cannot be rendered again."
            )
        payloads = tuple(each for each in _unpack(row.payloads) if each.message_id in claimed)
        return Batch(batch_id, row.campaign, row.planned_at, payloads)

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.IntegrityError as error:
            raise DeliveryError(
                "Another run planned the same messages at the same time; nothing was planned twice. Run again."
            ) from error
        except sa.exc.OperationalError as error:
            raise StorageError(
                f"The outbox cannot be used: {error.orig}. Check the disk and SINCERELY_OUTBOX_URL, "
                "then run again: nothing is sent twice."
            ) from error


def _add_instant(engine: sa.Engine, name: str) -> None:
    """For outboxes of earlier versions."""

    def is_there() -> bool:
        return any(column["name"] == name for column in sa.inspect(engine).get_columns("messages"))

    if is_there():
        return
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"alter table messages add column {name} timestamp"))
    except sa.exc.DBAPIError:
        # Another process may have been first.
        if not is_there():
            raise


def _hour(message: Planned) -> datetime:
    return message.not_before or datetime.min


def _insert(connection: sa.Connection, messages: Sequence[Planned], planned_at: datetime) -> None:
    payloads = [message.payload for message in messages if message.payload is not None]
    batch_id = payloads[0].message_id if payloads else None
    if payloads:
        batch = {"batch_id": batch_id, "campaign": payloads[0].campaign, "planned_at": planned_at}
        connection.execute(sa.insert(BATCHES), {**batch, "payloads": _pack(payloads)})
    connection.execute(sa.insert(MESSAGES), [_row(message, batch_id, planned_at) for message in messages])


def _row(message: Planned, batch_id: str | None, planned_at: datetime) -> dict[str, Any]:
    state = "planned" if message.payload else "held_out"
    return {
        "message_id": message.message_id,
        "campaign": message.campaign,
        "occurrence": message.occurrence,
        "person_id": message.person_id,
        "email": message.payload.to_email if message.payload else None,
        "variant": message.variant,
        "is_holdout": state == "held_out",
        "state": state,
        "planned_at": planned_at,
        "not_before": message.not_before,
        "expires_at": message.expires_at,
        "attempts": 0,
        "error": None,
        "decisions": orjson.dumps(message.decisions).decode() if message.decisions else None,
        "batch_id": batch_id if message.payload else None,
        "revision": 1,
    }


def _pack(payloads: Sequence[Payload]) -> bytes:
    return zlib.compress(orjson.dumps([asdict(payload) for payload in payloads]), level=3)


def _unpack(data: bytes) -> Iterator[Payload]:
    for fields in orjson.loads(zlib.decompress(data)):
        fields["headers"] = tuple((name, value) for name, value in fields["headers"])
        yield Payload(**fields)

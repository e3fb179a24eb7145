"""The outbox: one row per message, ever. Besides `raw`, the only state that cannot be derived again.

A message goes planned -> sending -> accepted | rejected, or to `unknown` when the ESP's answer was never read, and is
settled from there by what comes back; `held_out` is written down and never sent. The primary key makes a second
message of the same campaign, occurrence and person impossible.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa

from orchestration.delivery import message_rows, stored_decisions
from orchestration.delivery.engine import durable_engine, reading, storage, writing
from orchestration.delivery.leases import LEASE, Leases
from orchestration.delivery.message_rows import Stamp, stamper
from orchestration.delivery.outbox_tables import BATCHES, CONTENTS, DECISIONS, MESSAGES, create, is_open_as
from orchestration.delivery.settling import Settling
from orchestration.delivery.stored import pack
from orchestration.delivery.unknown import Unknown
from rendering.payload import Payload

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


class Planned(NamedTuple):
    """A message to be written down. `payload` is None for a hold-out; `decisions` are JSON, as `decided` writes it, and
    `quiet_hours` are what `quiet_until` reads."""

    message_id: str
    campaign: str
    occurrence: str
    person_id: str
    variant: str | None
    decisions: str | None = None
    payload: Payload | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    quiet_hours: str | None = None


class Outbox:
    """The outbox behind a SQLAlchemy URL: SQLite by default."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time, lease: timedelta = LEASE) -> None:
        self.url = url
        self._engine = durable_engine(url)
        self._stamp = stamper(self._engine.dialect)
        with storage():
            create(self._engine)
        self.leases = Leases(self._engine, clock, lease)
        self.settling = Settling(self._engine)
        self.unknown = Unknown(self._engine)

    @property
    def is_shared(self) -> bool:
        """Whether other processes can open it."""
        return self._engine.url.database not in (None, "", ":memory:")

    def known(self, message_ids: Sequence[str]) -> set[str]:
        """Those of the ids whose messages are written down already."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for start in range(0, len(message_ids), _LOOKED_UP_IDS):
                asked = message_ids[start : start + _LOOKED_UP_IDS]
                found |= set(
                    connection.scalars(sa.select(MESSAGES.c.message_id).where(MESSAGES.c.message_id.in_(asked)))
                )
        return found

    def last_planned_at(self) -> datetime | None:
        """The newest instant, in UTC, at which a message was written down; None in an empty outbox."""
        with reading(self._engine) as connection:
            newest: datetime | None = connection.scalar(sa.select(sa.func.max(MESSAGES.c.planned_at)))
        return newest.replace(tzinfo=UTC) if newest else None

    def plan(self, messages: Sequence[Planned], planned_at: datetime) -> None:
        """Writes messages and their payloads down, all of them or none; those of one hour are one batch."""
        if not messages:
            return
        hours = [list(together) for _, together in groupby(sorted(messages, key=_hour), key=_hour)]
        # All that takes time is done before: while one writes, everybody else who hands over or plans waits.
        batches = [_batch(together, planned_at) for together in hours]
        given = [batch for batch in batches if batch]
        stamped = self._stamp(planned_at)
        rows = [
            _row(message, batch[BATCHES]["batch_id"] if batch else None, stamped, self._stamp)
            for together, batch in zip(hours, batches, strict=True)
            for message in together
        ]
        with writing(self._engine) as connection:
            for table in given[0] if given else ():
                connection.execute(sa.insert(table), [batch[table] for batch in given])
            message_rows.insert(connection, rows)

    def planned_for(self, emails: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Id, campaign and address of the planned messages to any of the addresses."""
        columns = (MESSAGES.c.message_id, MESSAGES.c.campaign, MESSAGES.c.email)
        for start in range(0, len(emails), _LOOKED_UP_IDS):
            to = MESSAGES.c.email.in_(emails[start : start + _LOOKED_UP_IDS])
            with reading(self._engine) as connection:
                rows = connection.execute(sa.select(*columns).where(is_open_as("planned"), to)).all()
            yield from ((row[0], row[1], row[2]) for row in rows)

    def withdraw(self, reasons: Mapping[str, str]) -> int:
        """Rejects those of the messages (id to reason) that are still planned; returns how many."""
        withdrawn = 0
        with writing(self._engine) as connection:
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
            .where(is_open_as("planned"), MESSAGES.c.not_before > at.replace(tzinfo=None))
            .group_by(MESSAGES.c.campaign)
        )
        with reading(self._engine) as connection:
            return {str(row[0]): (int(row[1]), row[2]) for row in connection.execute(query)}

    def counts(self) -> dict[tuple[str, str], int]:
        """How many messages there are by campaign and state."""
        query = sa.select(MESSAGES.c.campaign, MESSAGES.c.state, sa.func.count()).group_by(
            MESSAGES.c.campaign, MESSAGES.c.state
        )
        with reading(self._engine) as connection:
            return {(str(row[0]), str(row[1])): int(row[2]) for row in connection.execute(query)}

    def read_all(self) -> pa.RecordBatchReader:
        """Every message in its present state, as Arrow batches ordered by the outbox's own batches and message id."""
        return pa.RecordBatchReader.from_batches(_ARROW, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        columns = [MESSAGES.c[name] for name in _ARROW.names]
        query = sa.select(*columns, MESSAGES.c.batch_id).order_by(MESSAGES.c.batch_id, MESSAGES.c.message_id)
        with reading(self._engine) as connection, reading(self._engine) as beside:
            for rows in connection.execution_options(yield_per=_FETCH_ROWS).execute(query).partitions():
                *values, batch_ids = zip(*rows, strict=True)
                found = dict(zip(_ARROW.names, values, strict=True))
                known = stored_decisions.read(beside, {each for each in batch_ids if each})
                both = zip(found["message_id"], found["decisions"], strict=True)
                found["decisions"] = tuple(known.get(message_id, own) for message_id, own in both)
                yield pa.RecordBatch.from_arrays(
                    [pa.array(found[field.name], field.type) for field in _ARROW], schema=_ARROW
                )


def _hour(message: Planned) -> datetime:
    return message.not_before or datetime.min


def _batch(messages: Sequence[Planned], planned_at: datetime) -> dict[sa.Table, dict[str, Any]] | None:
    """A batch's rows, by their tables, if anything in it is to be handed over."""
    payloads = [message.payload for message in messages if message.payload is not None]
    if not payloads:
        return None
    batch_id = payloads[0].message_id
    decided = {each.message_id: each.decisions for each in messages if each.payload is not None and each.decisions}
    return {
        BATCHES: {
            "batch_id": batch_id,
            "campaign": payloads[0].campaign,
            "planned_at": planned_at,
            "not_before": messages[0].not_before,
            "is_waiting": True,
        },
        CONTENTS: {"batch_id": batch_id, "payloads": pack(payloads)},
        DECISIONS: {"batch_id": batch_id, "decisions": stored_decisions.pack(decided)},
    }


def _row(message: Planned, batch_id: str | None, planned_at: Any, stamp: Stamp) -> tuple[Any, ...]:
    """A new row, as `message_rows.COLUMNS` are."""
    message_id, campaign, occurrence, person_id, variant, decisions, payload, not_before, expires_at, hours = message
    when = (planned_at, stamp(not_before), stamp(expires_at), hours)
    if payload is None:
        return message_id, campaign, occurrence, person_id, None, variant, True, "held_out", *when, decisions, None
    to = payload.to_email
    return message_id, campaign, occurrence, person_id, to, variant, False, "planned", *when, None, batch_id

"""What a person decided about a campaign, beside the outbox: paused, resumed, cancelled, or let through a check.

The sender looks here before each batch, so that a decision holds at once, in whichever process it sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

import pyarrow as pa
import sqlalchemy as sa

from orchestration.delivery.engine import durable_engine, reading, storage, writing
from orchestration.delivery.leases import free
from orchestration.delivery.outbox_tables import BATCHES, MESSAGES, is_open_as

PAUSED, CANCELLED, RUNNING = "paused", "cancelled", "running"
# A pause is of the campaign, whatever its occurrence.
EVERY_OCCURRENCE = ""
_METADATA = sa.MetaData()
# One row per decision, ever; the newest of an occurrence counts.
_CONTROLS = sa.Table(
    "campaign_controls",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("campaign", sa.String(128), nullable=False),
    sa.Column("occurrence", sa.String(64), nullable=False),
    sa.Column("control", sa.String(16), nullable=False),
    sa.Column("decided_by", sa.String(128), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
)
_RELEASES = sa.Table(
    "gate_releases",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("campaign", sa.String(128), nullable=False),
    sa.Column("occurrence", sa.String(64), nullable=False),
    sa.Column("check_name", sa.String(64), nullable=False),
    # What was wrong: when something else is, the check holds again.
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("released_by", sa.String(128), nullable=False),
    sa.Column("released_at", sa.DateTime, nullable=False),
)
_CONTROLS_ARROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("occurrence", pa.string()),
        ("control", pa.string()),
        ("decided_by", pa.string()),
        ("decided_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Control:
    """The newest decision about an occurrence; `decided_at` is UTC without an offset."""

    campaign: str
    occurrence: str
    control: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True)
class Release:
    """One check of one occurrence, let pass by a person in spite of `cause`; `released_at` is UTC."""

    campaign: str
    occurrence: str
    check_name: str
    cause: str
    because: str
    released_by: str
    released_at: datetime


class Controls:
    """The decisions in the outbox's database, by its SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = durable_engine(url)
        with storage():
            _METADATA.create_all(self._engine)

    def decide(self, campaign: str, occurrences: Sequence[str], control: str, by: str, at: datetime) -> None:
        """Writes a decision down; it holds from the sender's next batch on."""
        rows = [
            {"campaign": campaign, "occurrence": each, "control": control, "decided_by": by, "decided_at": _plain(at)}
            for each in occurrences
        ]
        with writing(self._engine) as connection:
            connection.execute(sa.insert(_CONTROLS), rows)

    def withdraw(self, campaign: str) -> int:
        """Rejects all that is planned of the campaign and not yet given to the ESP; returns how many."""
        return self._withdraw(MESSAGES.c.campaign == campaign, campaign)

    def withdraw_cancelled(self) -> int:
        """The same for what was planned of cancelled occurrences by a run that was under way; returns how many."""
        return sum(
            self._withdraw(
                sa.and_(MESSAGES.c.campaign == each.campaign, MESSAGES.c.occurrence == each.occurrence), each.campaign
            )
            for each in self.in_force()
            if each.control == CANCELLED
        )

    def _withdraw(self, which: sa.ColumnElement[bool], campaign: str) -> int:
        change = (
            sa.update(MESSAGES)
            .where(which, is_open_as("planned"))
            .values(state="rejected", error=CANCELLED, revision=MESSAGES.c.revision + 1)
        )
        with writing(self._engine) as connection:
            withdrawn = int(connection.execute(change).rowcount)
            if withdrawn:
                free(connection, sa.and_(BATCHES.c.campaign == campaign, BATCHES.c.worker.is_(None)))
        return withdrawn

    def release(self, release: Release) -> None:
        """Writes down that a person lets a check pass."""
        row = {**asdict(release), "released_at": _plain(release.released_at)}
        with writing(self._engine) as connection:
            connection.execute(sa.insert(_RELEASES), row)

    def in_force(self) -> list[Control]:
        """The campaigns that are paused, and the occurrences that are cancelled."""
        newest = sa.select(sa.func.max(_CONTROLS.c.number)).group_by(_CONTROLS.c.campaign, _CONTROLS.c.occurrence)
        query = (
            sa.select(*(_CONTROLS.c[each.name] for each in fields(Control)))
            .where(_CONTROLS.c.number.in_(newest), _CONTROLS.c.control != RUNNING)
            .order_by(_CONTROLS.c.campaign, _CONTROLS.c.occurrence)
        )
        with reading(self._engine) as connection:
            return [Control(**row) for row in connection.execute(query).mappings()]

    def paused(self) -> frozenset[str]:
        """The campaigns of which nothing may be handed over now."""
        return frozenset(each.campaign for each in self.in_force() if each.control == PAUSED)

    def releases(self) -> list[Release]:
        """Every release, the oldest first."""
        query = sa.select(*(_RELEASES.c[each.name] for each in fields(Release))).order_by(_RELEASES.c.number)
        with reading(self._engine) as connection:
            return [Release(**row) for row in connection.execute(query).mappings()]

    def table(self) -> pa.Table:
        """What is in force, as SQL reads it: a row per campaign and occurrence, which is "" for a pause."""
        return pa.Table.from_pylist([asdict(each) for each in self.in_force()], _CONTROLS_ARROW)


def _plain(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)

"""What a person decided about a campaign's occurrence, beside the outbox: paused, resumed or cancelled, and released.

The sender looks here before each batch, so that a decision holds at once, in whichever process it sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from orchestration.delivery.engine import durable_engine
from orchestration.errors import StorageError

PAUSED, CANCELLED, RUNNING = "paused", "cancelled", "running"
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
    # What held it: another cause of the same check is not released.
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("released_by", sa.String(128), nullable=False),
    sa.Column("released_at", sa.DateTime, nullable=False),
)
_CONTROLS_ARROW = pa.schema([("campaign", pa.string()), ("occurrence", pa.string()), ("control", pa.string())])


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
    """One check of one occurrence, let pass by a person although `reason` holds it; `released_at` is UTC."""

    campaign: str
    occurrence: str
    check: str
    reason: str
    because: str
    released_by: str
    released_at: datetime


class Controls:
    """The decisions in the outbox's database, by its SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = durable_engine(url)
        with self._storage():
            _METADATA.create_all(self._engine)

    def decide(self, campaign: str, occurrence: str, control: str, by: str, at: datetime) -> None:
        """Writes a decision down; it holds from the sender's next batch on."""
        row = {
            "campaign": campaign, "occurrence": occurrence, "control": control, "decided_by": by,
            "decided_at": at.replace(tzinfo=None),
        }  # fmt: skip
        with self._storage(), self._engine.begin() as connection:
            connection.execute(sa.insert(_CONTROLS), row)

    def release(self, release: Release) -> None:
        """Writes down that a person lets a check pass."""
        row = {
            "campaign": release.campaign, "occurrence": release.occurrence, "check_name": release.check,
            "reason": release.reason, "because": release.because, "released_by": release.released_by,
            "released_at": release.released_at.replace(tzinfo=None),
        }  # fmt: skip
        with self._storage(), self._engine.begin() as connection:
            connection.execute(sa.insert(_RELEASES), row)

    def in_force(self) -> list[Control]:
        """The occurrences that are paused or cancelled."""
        newest = sa.select(sa.func.max(_CONTROLS.c.number)).group_by(_CONTROLS.c.campaign, _CONTROLS.c.occurrence)
        query = (
            sa.select(*(_CONTROLS.c[name] for name in Control.__dataclass_fields__))
            .where(_CONTROLS.c.number.in_(newest), _CONTROLS.c.control != RUNNING)
            .order_by(_CONTROLS.c.campaign, _CONTROLS.c.occurrence)
        )
        with self._storage(), self._engine.connect() as connection:
            return [Control(*row) for row in connection.execute(query)]

    def releases(self) -> list[Release]:
        """Every release, the oldest first."""
        query = sa.select(
            _RELEASES.c.campaign, _RELEASES.c.occurrence, _RELEASES.c.check_name, _RELEASES.c.reason,
            _RELEASES.c.because, _RELEASES.c.released_by, _RELEASES.c.released_at,
        ).order_by(_RELEASES.c.number)  # fmt: skip
        with self._storage(), self._engine.connect() as connection:
            return [Release(*row) for row in connection.execute(query)]

    def table(self) -> pa.Table:
        """What is in force, as SQL reads it: a row per campaign's occurrence."""
        rows = [
            {"campaign": each.campaign, "occurrence": each.occurrence, "control": each.control}
            for each in self.in_force()
        ]
        return pa.Table.from_pylist(rows, _CONTROLS_ARROW)

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.OperationalError as error:
            raise StorageError(
                f"The outbox's database cannot be used: {error.orig}. Check the disk and SINCERELY_OUTBOX_URL."
            ) from error

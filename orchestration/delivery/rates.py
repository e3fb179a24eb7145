"""How fast messages left in the last sends, beside the outbox: what the next one will take is told from it."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from orchestration.delivery.engine import durable_engine, reading, storage, writing

_METADATA = sa.MetaData()
_SENDS = sa.Table(
    "sends",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("esp", sa.String(32), nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("ended_at", sa.DateTime, nullable=False),
)
_LAST_SENDS = 10


class Rates:
    """The measurements in the outbox's database, by its SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = durable_engine(url)
        with storage():
            _METADATA.create_all(self._engine)

    def note(self, esp: str, messages: int, seconds: float) -> None:
        """Writes down what a send came to; one of nothing says nothing."""
        if messages < 1 or seconds <= 0:
            return
        ended_at = datetime.now(UTC).replace(tzinfo=None)
        row = {"esp": esp, "messages": messages, "seconds": seconds, "ended_at": ended_at}
        with writing(self._engine) as connection:
            connection.execute(sa.insert(_SENDS), row)

    def messages_per_second(self, esp: str) -> float | None:
        """Over the last sends through the ESP; None when there was none."""
        last = (
            sa.select(_SENDS.c.messages, _SENDS.c.seconds)
            .where(_SENDS.c.esp == esp)
            .order_by(_SENDS.c.number.desc())
            .limit(_LAST_SENDS)
            .subquery()
        )
        query = sa.select(sa.func.sum(last.c.messages), sa.func.sum(last.c.seconds))
        with reading(self._engine) as connection:
            messages, seconds = (float(total or 0) for total in connection.execute(query).one())
        return messages / seconds if messages else None

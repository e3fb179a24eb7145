"""Whether a run, and the tables that it sends from, speak of the present: only then may messages leave."""

from __future__ import annotations

from datetime import datetime

from orchestration import refreshes
from orchestration.delivery.outbox import Outbox
from orchestration.warehouse import Warehouse


def why_not_to_plan(warehouse: Warehouse, outbox: Outbox, as_of: datetime) -> str | None:
    """A sentence when the built tables, or a run as of `as_of`, look at the past; None when messages may leave.

    What had landed by some instant (`--known-at`) is a look at the past.
    """
    built = refreshes.last(warehouse)
    if built is None:
        return why_not_to_send(outbox, as_of)
    if built.known_at is not None:
        return (
            f"Nothing is planned: the tables hold what was known at {_shown(built.known_at)}. "
            "Run `sincerely run` without --known-at to send."
        )
    return why_not_to_send(outbox, min(as_of, built.as_of))


def why_not_to_send(outbox: Outbox, as_of: datetime) -> str | None:
    """A sentence when `as_of` lies before the instant at which messages were planned last; else None.

    Nobody gets a message today for how they were before the message that they got last.
    """
    last = outbox.last_planned_at()
    if last is None or as_of >= last:
        return None
    return (
        f"Nothing is planned or handed over: {_shown(as_of)} is a look at the past, for messages were planned at "
        f"{_shown(last)} already. Run `sincerely run` as of then or later to send."
    )


def _shown(instant: datetime) -> str:
    return f"{instant.replace(tzinfo=None).isoformat()}Z"

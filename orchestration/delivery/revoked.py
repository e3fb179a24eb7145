"""Messages that wait and must not leave any longer: what their people said since counts when they are handed over."""

from __future__ import annotations

from orchestration.delivery.late_words.reading import late_words, revoked_by
from orchestration.delivery.outbox import Outbox
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

REVOKED_SQL = "select message_id, reason from core.revoked_messages order by message_id"
_PURPOSES = "select campaign, min(purpose) as purpose from raw.campaigns group by campaign"


def revoked_messages(warehouse: Warehouse) -> dict[str, str]:
    """The reasons by message id, as of the last build."""
    if not warehouse.exists("core.revoked_messages"):
        return {}
    return {str(row["message_id"]): str(row["reason"]) for row in warehouse.rows(REVOKED_SQL)}


def revoked_now(settings: Settings, warehouse: Warehouse, outbox: Outbox) -> dict[str, str]:
    """The same, and what lies in the landing zone or landed since: who has just left is not written to."""
    with warehouse.kept_open():
        revoked = revoked_messages(warehouse)
        if words := late_words(settings, warehouse):
            purposes = {str(row["campaign"]): str(row["purpose"]) for row in warehouse.rows(_PURPOSES)}
            waiting = outbox.planned_for(sorted({word.email for word in words}))
            revoked |= revoked_by(words, purposes, waiting)
    return revoked

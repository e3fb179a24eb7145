"""Messages that wait and must not leave any longer: what their people said since counts when they are handed over."""

from __future__ import annotations

from orchestration.warehouse import Warehouse

REVOKED_SQL = "select message_id, reason from core.revoked_messages order by message_id"


def revoked_messages(warehouse: Warehouse) -> dict[str, str]:
    """The reasons by message id, as of the last build."""
    if not warehouse.exists("core.revoked_messages"):
        return {}
    return {str(row["message_id"]): str(row["reason"]) for row in warehouse.rows(REVOKED_SQL)}

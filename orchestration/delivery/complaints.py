"""Campaigns that too many people called spam: SQL counts and decides (delivery.complaint_rates), this tells it on."""

from __future__ import annotations

from orchestration.warehouse import Warehouse

COMPLAINTS_SQL = """
    select campaign, is_paused, reason from delivery.complaint_rates where is_warned order by campaign
"""


def paused_by_complaints(warehouse: Warehouse) -> dict[str, str]:
    """Why nothing of a campaign may leave, by campaign."""
    return {str(row["campaign"]): str(row["reason"]) for row in _above_warning(warehouse) if row["is_paused"]}


def warned_of_complaints(warehouse: Warehouse) -> dict[str, str]:
    """What mailbox providers begin to mind, by campaign; those that are paused are not among them."""
    return {str(row["campaign"]): str(row["reason"]) for row in _above_warning(warehouse) if not row["is_paused"]}


def lines(warehouse: Warehouse) -> list[str]:
    """The same for a person, one line a campaign, the paused ones first."""
    paused = [f"{name} is paused: {reason}" for name, reason in paused_by_complaints(warehouse).items()]
    return [*paused, *(f"{name}: {reason}" for name, reason in warned_of_complaints(warehouse).items())]


def _above_warning(warehouse: Warehouse) -> list[dict[str, object]]:
    if not warehouse.exists("delivery.complaint_rates"):
        return []
    return warehouse.rows(COMPLAINTS_SQL)

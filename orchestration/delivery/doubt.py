"""Campaigns of which nobody knows who should get them: a segment that they include or spare was not refreshed."""

from __future__ import annotations

from orchestration.warehouse import Warehouse

_IN_DOUBT = """
    select distinct campaigns.campaign
    from raw.campaigns as campaigns
    inner join core.segment_refreshes as refreshes
        on campaigns.segment = refreshes.segment and not refreshes.is_refreshed
"""


def campaigns_in_doubt(warehouse: Warehouse) -> frozenset[str]:
    """The campaigns that must not send, whatever earlier runs have planned for them."""
    if not (warehouse.exists("core.segment_refreshes") and warehouse.exists("raw.campaigns")):
        return frozenset()
    return frozenset(row["campaign"] for row in warehouse.rows(_IN_DOUBT))

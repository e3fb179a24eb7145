"""Campaigns that must not send: a segment that they, or journeys, ask for was not refreshed, so that nobody knows who
should get them, or too many people complained."""

from __future__ import annotations

from orchestration.delivery.complaints import paused_by_complaints
from orchestration.warehouse import Warehouse

_IN_DOUBT = """
    select distinct campaigns.campaign
    from raw.campaigns as campaigns
    inner join core.segment_refreshes as refreshes
        on campaigns.segment = refreshes.segment and not refreshes.is_refreshed
    union
    select distinct steps.campaign
    from raw.journey_steps as steps
    inner join (
        select journey, value as segment from raw.journey_rules where kind in ('segment_entered', 'segment_left')
        union
        select journey, value from raw.journey_conditions where kind = 'in_segment'
    ) as named on steps.journey = named.journey
    inner join core.segment_refreshes as refreshes
        on named.segment = refreshes.segment and not refreshes.is_refreshed
"""
_NEEDED = ("core.segment_refreshes", "raw.campaigns", "raw.journey_steps")


def campaigns_in_doubt(warehouse: Warehouse) -> frozenset[str]:
    """The campaigns that must not send, whatever earlier runs have planned for them."""
    paused = frozenset(paused_by_complaints(warehouse))
    if not all(warehouse.exists(table) for table in _NEEDED):
        return paused
    return paused | frozenset(row["campaign"] for row in warehouse.rows(_IN_DOUBT))

"""Which campaigns nothing may be planned or handed over of: asked anew each time, so that a person's word holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from orchestration.delivery.controls import CANCELLED, PAUSED, Controls
from orchestration.delivery.planner import occurrence_of
from rendering.campaign import Campaign


def holding(
    controls: Controls, gated: Collection[str], campaigns: Iterable[Campaign], as_of: datetime
) -> Callable[[], Collection[str]]:
    """A question for the planning, and for the sender before each batch: the `gated` campaigns, those that are paused
    at the moment it asks, and those whose occurrence of `as_of` (UTC) was cancelled."""
    fixed = frozenset(gated)
    present = {(campaign.name, occurrence_of(campaign, as_of)) for campaign in campaigns}

    def held() -> Collection[str]:
        found = set(fixed)
        for each in controls.in_force():
            if each.control == PAUSED or (each.control == CANCELLED and (each.campaign, each.occurrence) in present):
                found.add(each.campaign)
        return found

    return held

"""Which campaigns nothing may be handed over of: asked before each batch, so that a person's word holds at once."""

from __future__ import annotations

from collections.abc import Callable, Collection

from orchestration.delivery.controls import Controls


def holding(controls: Controls, gated: Collection[str]) -> Callable[[], Collection[str]]:
    """A question for the sender: the `gated` campaigns, and those that are paused at the moment it asks."""
    fixed = frozenset(gated)
    return lambda: fixed | controls.paused()

"""A journey's steps as a picture in text, one line a thing that happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def picture(funnel: Mapping[str, Any]) -> str:
    """The way from the entry to the goal, with counts of entries."""
    return "\n".join(_lines(funnel))


def words(reasons: Mapping[str, int]) -> str:
    """`no consent 3, too late 1`."""
    return ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in reasons.items())


def _lines(funnel: Mapping[str, Any]) -> Iterator[str]:
    yield f"● entered {funnel['entries']:,} times by {funnel['people']:,} people: {funnel['entry']}"
    for step in funnel["steps"]:
        yield "│"
        yield f"│ {step['wait']}" + (f" ──▶ {step['exited']:,} had left by then" if step["exited"] else "")
        yield f"▣ {step['step']}: sent {step['sent']:,}" + "".join(
            f", {name} {step[name]:,}" for name in ("due", "waiting") if step[name]
        )
        if step["skipped"]:
            yield f"│   skipped {step['skipped']:,}: {words(step['skips'])}"
    yield "│"
    yield (
        f"○ over for {funnel['completed']:,}, ended before for {funnel['exited']:,}, {funnel['in_journey']:,} are in it"
    )
    yield f"★ {funnel['goals']:,} reached the goal: {funnel['goal']}"

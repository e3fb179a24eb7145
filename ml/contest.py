"""Whether a newly trained model takes the place of the one in use.

Recipe (the params) and data are told apart. Another recipe has to prove itself: it is promoted only if on the
same held-out rows it is better by more than noise. The same recipe on newer data is a refresh, which analysts expect to
be used: it is promoted unless it is worse by more than noise. A model in use that had seen part of the held-out time
looks better there than it is: a refresh is not held up by that, another recipe still has to beat it. One that has
decayed (its past scores did not hold) has lost its privilege: whatever is not worse by more than noise replaces it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import bootstrap
from ml.store import ModelMetadata

PROMOTED, KEPT, UNCHANGED, USED_ONCE = "promoted", "kept", "unchanged", "used_once"


@dataclass(frozen=True)
class Comparison:
    """The challenger's figure less the champion's on the same rows; greater is better. None where not measurable."""

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        if self.value is None:
            return "the held-out rows are too few to compare them"
        return f"{self.metric} differs by {self.value:+.4f} ({self.low:+.4f} to {self.high:+.4f}) on the held-out rows"


@dataclass(frozen=True)
class Verdict:
    """`decision` is 'promoted', 'kept', 'unchanged' or 'used_once'; `reason` is a clause for people."""

    decision: str
    reason: str


def compare(
    metric: str, rows: int, measure: Callable[[NDArray[np.int64]], tuple[float | None, float | None]]
) -> Comparison:
    """`measure` gives the challenger's and the champion's figure on some of the `rows` places; greater is better."""
    return Comparison(metric, *bootstrap.difference(rows, measure))


def differences(challenger: ModelMetadata, champion: dict[str, Any]) -> str:
    """What sets the challenger's recipe apart from the champion's, by name; nothing where both are the same."""
    before, now = champion.get("params") or {}, dict(challenger.params)
    return ", ".join(sorted(name for name in {*before, *now} if before.get(name) != _as_json(now.get(name))))


def saw_held_out(challenger: ModelMetadata, champion: dict[str, Any]) -> bool:
    """Whether the champion was trained on part of the time that the challenger is measured on."""
    until = champion.get("trained_until")
    if challenger.held_out_from is None or not isinstance(until, str):
        return False
    return datetime.fromisoformat(until) > challenger.held_out_from


def judge(challenger: ModelMetadata, champion: dict[str, Any], comparison: Comparison, *, decayed: str = "") -> Verdict:
    """The rule above, for a champion that can score today's rows; `decayed` says how its past scores failed."""
    version, changed = champion["version"], differences(challenger, champion)
    words = comparison.words
    saw = saw_held_out(challenger, champion)
    if saw:
        words += f", of which {version} had seen a part, so that it looks better than it is"
    is_better = comparison.low is not None and comparison.low > 0
    is_worse = comparison.high is not None and comparison.high < 0
    if changed and not decayed:
        if is_better:
            return Verdict(PROMOTED, f"another recipe ({changed}) that beats {version}: {words}")
        return Verdict(KEPT, f"another recipe ({changed}) does not beat {version} by more than noise: {words}")
    what = f"another recipe ({changed})" if changed else "the same recipe on newer data"
    if decayed:
        what += f", and {version} has decayed ({decayed})"
    if is_worse and not (saw and not changed):
        return Verdict(KEPT, f"{what}, but worse than {version} by more than noise: {words}")
    return Verdict(PROMOTED, f"{what}: {words}")


def _as_json(value: Any) -> Any:
    """As it reads once it was stored: a tuple is a list there."""
    if isinstance(value, dict):
        return {str(name): _as_json(each) for name, each in value.items()}
    return [_as_json(each) for each in value] if isinstance(value, list | tuple) else value

"""Before an experiment starts: the smallest effect that its audience will show, and the days that a given one needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ml import power
from ml.experiments import ALL, HOLDOUT
from orchestration import dbt
from orchestration.delivery.planner import occurrence_of
from orchestration.errors import SincerelyError
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

_HISTORY_SQL = Path(__file__).with_name("history.sql")
_AUDIENCE_SQL = Path(__file__).with_name("audience.sql")
# With fewer messages of its own, a campaign is judged by those of all campaigns.
FEWEST_MESSAGES = 500
# New people are counted over so many days before as_of.
INFLOW_DAYS = 90
MONEY = "revenue_per_recipient"
_OF_VARIANTS = ("human_open_rate", "click_rate", "conversion_rate", MONEY, "unsubscribe_rate")
_OF_HOLDOUTS = ("conversion_rate", MONEY)
_NEEDED = ("measurement.message_outcomes", "core.message_candidates", "core.segment_transitions")


@dataclass(frozen=True)
class Wanted:
    """What is to be found: a relative lift, with this power, at this two-sided level."""

    lift: float = 0.1
    power: float = 0.8
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.power < 1 and 0 < self.alpha < 1):
            raise SincerelyError("--power and --alpha are shares above 0 and below 1, such as 0.8 and 0.05.")
        if self.lift == 0 or self.lift <= -1:
            raise SincerelyError("--lift is a part of the rate, such as 0.1 for a tenth more; it is not 0.")


@dataclass(frozen=True)
class Split:
    """One comparison: of the audience, `part` takes part in it, and `control_part` of those is the control."""

    variant: str
    control: str
    part: float
    control_part: float


@dataclass(frozen=True)
class Forecast:
    """One metric of one comparison. `least_lift` is None where no lift would show, `days_needed` where no time would
    do; `history` is the campaign whose messages the base rate is of, or `every campaign`."""

    variant: str
    control: str
    metric: str
    base_rate: float
    history: str
    messages: int
    people: int
    least_lift: float | None
    people_needed: int | None
    days_needed: int | None


@dataclass(frozen=True)
class Plan:
    """What an experiment in the campaign can show: whom it reaches today, and how many more each day."""

    campaign: str
    people: int
    people_per_day: float
    wanted: Wanted
    forecasts: tuple[Forecast, ...]


def planned(warehouse: Warehouse, campaign: Campaign, as_of: datetime, wanted: Wanted) -> Plan:
    """The plan for the campaign's variants and hold-out; without variants, for an even split in two."""
    if not all(warehouse.exists(table) for table in _NEEDED):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    (audience,) = warehouse.rows(
        _AUDIENCE_SQL.read_text(encoding="utf-8"),
        [campaign.name, occurrence_of(campaign, as_of), as_of.replace(tzinfo=None), INFLOW_DAYS, campaign.name],
    )
    people, per_day = int(audience["people"]), float(audience["people_per_day"])
    history = _history(warehouse, campaign)
    forecasts = [
        _forecast(split, metric, history, people, per_day, wanted)
        for split in splits(campaign)
        for metric in (_OF_HOLDOUTS if split.control == HOLDOUT else _OF_VARIANTS)
    ]
    return Plan(campaign.name, people, per_day, wanted, tuple(forecasts))


def splits(campaign: Campaign) -> Iterator[Split]:
    """Each variant against the first, and all of them against the hold-out where there is one."""
    if len(campaign.variants) > 1:
        total = sum(variant.weight for variant in campaign.variants)
        first = campaign.variants[0]
        for other in campaign.variants[1:]:
            both = first.weight + other.weight
            part = (1 - campaign.holdout) * both / total
            yield Split(other.name, first.name, part, first.weight / both)
    else:
        yield Split("one half", "other half", 1 - campaign.holdout, 0.5)
    if campaign.holdout:
        yield Split(ALL, HOLDOUT, 1.0, campaign.holdout)


def _history(warehouse: Warehouse, campaign: Campaign) -> dict[str, Any]:
    """Rates per message of the campaign itself, or of all campaigns where it has hardly sent any."""
    rows = warehouse.rows(_HISTORY_SQL.read_text(encoding="utf-8"), [campaign.name])
    own = next((row for row in rows if row["is_own"]), None)
    if own and own["messages"] >= FEWEST_MESSAGES:
        return own | {"history": campaign.name}
    everything = next((row for row in rows if row["is_own"] is None), None)
    if everything is None or not everything["messages"]:
        raise SincerelyError(
            f"No message was sent {dbt.project_vars()['attribution_days']} days ago or earlier: there is no history to "
            "plan by. Land esp/messages and esp/events, or send first."
        )
    return everything | {"history": "every campaign"}


def _forecast(
    split: Split, metric: str, history: dict[str, Any], people: int, per_day: float, wanted: Wanted
) -> Forecast:
    rate, compared = float(history[metric] or 0), people * split.part
    how: dict[str, float] = {"part": split.control_part, "alpha": wanted.alpha, "power": wanted.power}
    if metric == MONEY:
        deviation = float(history["revenue_deviation"] or 0)
        least = power.least_lift_of_mean(rate, deviation, compared, **how)
        needed = power.people_for_mean(rate, deviation, wanted.lift, **how)
    else:
        least = power.least_lift_of_share(rate, compared, **how)
        is_possible = 0 < rate < 1 and rate * (1 + wanted.lift) <= 1
        needed = power.people_for_share(rate, wanted.lift, **how) if is_possible else math.inf
    return Forecast(
        variant=split.variant,
        control=split.control,
        metric=metric,
        base_rate=rate,
        history=history["history"],
        messages=int(history["messages"]),
        people=round(compared),
        least_lift=least,
        people_needed=math.ceil(needed) if math.isfinite(needed) else None,
        days_needed=_days(needed / split.part, people, per_day),
    )


def _days(needed: float, people: int, per_day: float) -> int | None:
    """Days until so many people were written to, and what they order within the window is known; None for never."""
    window = int(dbt.project_vars()["attribution_days"])
    if needed <= people:
        return window
    if not math.isfinite(needed) or per_day <= 0:
        return None
    return math.ceil((needed - people) / per_day) + window


def queries() -> tuple[str, ...]:
    """What planning reads of the warehouse."""
    return tuple(path.read_text(encoding="utf-8") for path in (_HISTORY_SQL, _AUDIENCE_SQL))

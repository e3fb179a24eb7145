"""Random years of people's lives, on a grid of hours for the most part: different things often fall on one instant."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rendering.journey import Journey, load_journey

START = datetime(2016, 1, 1)  # a leap year
DAYS = 366
PURPOSES = ("newsletter", "offers")
_GRID = timedelta(hours=6)
STAGES = ("prospect", "new_customer", "lapsed")

_FILES = {
    "welcome": """
title: Once in a life, with a condition that skips and one that ends
entry: {event: signed_up}
reentry: never
goal: bought
exit: [goal_reached, suppressed]
stays: 10 days
steps:
  - {step: hello, wait: 0 hours, campaign: alpha}
  - {step: tips, wait: 2 days, campaign: beta, when: [{stage_is: prospect}]}
  - {step: nudge, wait: 3 days, campaign: alpha, when: [has_not_bought, {has_not_done: clicked}], otherwise: exit}
  - {step: last, wait: 1 day, campaign: gamma, at_most_late: 12 hours}
""",
    "quiet": """
title: Every time somebody goes quiet
entry: [{segment_entered: silent}, {event: clicked}]
reentry: always
goal: [bought, {event: clicked}]
exit: [{segment_left: silent}, bought]
steps:
  - {step: first, wait: 6 hours, campaign: beta, when: [{in_segment: silent}], at_most_late: 1 day}
  - {step: second, wait: 1 day, campaign: gamma, when: [{stage_is_not: new_customer}], at_most_late: 2 days}
  - {step: third, wait: 2 days, campaign: gamma, when: [{not_in_segment: engaged}], otherwise: exit}
""",
    "again": """
title: After a purchase or a lapse, and twenty days of peace
starts: 2016-01-20
entry: [bought, {stage_entered: lapsed}]
reentry: {after: 20 days}
goal: {segment_entered: engaged}
exit: [goal_reached, {event: complained}, {stage_left: lapsed}]
steps:
  - {step: one, wait: 1 day, campaign: alpha, when: [{has_done: clicked}], at_most_late: 1 week}
  - {step: two, wait: 5 days, campaign: beta, when: [has_bought]}
""",
}
CAMPAIGNS = {"alpha": ("newsletter", 0.1), "beta": ("newsletter", 0.0), "gamma": ("offers", 0.2)}


def write_journeys(folder: Path) -> list[Journey]:
    """The three journeys of the made-up years, through their real files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (folder / f"{name}.yml").write_text(text)
    return [load_journey(folder / f"{name}.yml") for name in _FILES]


@dataclass
class Life:
    """One person's year, each list in the order of time."""

    person_id: str
    email_seen_at: datetime | None
    is_deleted: bool
    suppressed_at: datetime | None
    segments: list[tuple[datetime, str, str]] = field(default_factory=list)
    stages: list[tuple[datetime, str | None, str]] = field(default_factory=list)
    activity: list[tuple[datetime, str]] = field(default_factory=list)
    orders: list[datetime] = field(default_factory=list)
    consents: list[tuple[datetime, str, bool]] = field(default_factory=list)


def lives(people: int, seed: int) -> list[Life]:
    """So many random years, the same for the same seed."""
    draw = random.Random(seed)
    return [_life(f"p{number}", draw) for number in range(people)]


def _instant(draw: random.Random, earliest: datetime = START) -> datetime:
    hours = draw.randrange(max(1, int((START + timedelta(days=DAYS) - earliest).total_seconds() // 3600)))
    exact, chance = earliest + timedelta(hours=hours), draw.random()
    if chance < 0.6:
        return max(earliest, START + (exact - START) // _GRID * _GRID)
    return exact if chance < 0.8 else exact + timedelta(microseconds=draw.randrange(3_600_000_000))


def _life(person_id: str, draw: random.Random) -> Life:
    arrived = _instant(draw, START) if draw.random() < 0.8 else START
    life = Life(
        person_id=person_id,
        email_seen_at=None if draw.random() < 0.03 else arrived if draw.random() < 0.9 else _instant(draw, arrived),
        is_deleted=draw.random() < 0.03,
        suppressed_at=_instant(draw, arrived) if draw.random() < 0.1 else None,
    )
    life.activity = [(arrived, "signed_up")]
    life.activity += [(_instant(draw, arrived), "clicked") for _ in range(draw.choice([0, 0, 1, 3, 8]))]
    life.activity += [(_instant(draw, arrived), "complained") for _ in range(draw.choice([0, 0, 0, 1]))]
    life.activity = sorted(set(life.activity))
    life.orders = sorted({_instant(draw, arrived) for _ in range(draw.choice([0, 0, 1, 2, 6]))})
    for segment, most in (("silent", 8), ("engaged", 4)):
        moments = sorted({_instant(draw, arrived) for _ in range(draw.randrange(most))})
        life.segments += [(at, segment, ("entered", "exited")[turn % 2]) for turn, at in enumerate(moments)]
    life.segments.sort()
    stage = None
    for at in sorted({arrived, *(_instant(draw, arrived) for _ in range(draw.randrange(6)))}):
        following = draw.choice([each for each in STAGES if each != stage]) if stage else "prospect"
        life.stages.append((at, stage, following))
        stage = following
    for purpose in PURPOSES:
        if draw.random() < 0.9:
            life.consents.append((arrived, purpose, True))
        turns = range(draw.choice([0, 0, 1, 2]))
        life.consents += [(_instant(draw, arrived), purpose, bool(turn % 2)) for turn in turns]
    life.consents.sort()
    return life


def run_instants(seed: int, about: int) -> list[datetime]:
    """When the pipeline ran: about so many times in the year, with gaps of hours, days and now and then a week."""
    draw = random.Random(seed)
    usual = DAYS * 24 / about
    instants, at = [], START
    while at < START + timedelta(days=DAYS):
        gap = draw.choice([usual * 0.3, usual * 0.5, usual * 0.8, usual, usual * 1.2])
        at += timedelta(hours=max(1, round(gap if draw.random() < 0.97 else 24 * draw.choice([3, 5, 9]))))
        instants.append(at)
    return instants

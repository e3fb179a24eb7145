"""A few real people who together show everything that a campaign can do: greedy set cover over groups of the alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Whom a preview rather shows: who gets the message, then who will when something else is over, who is held out of it,
# and at last who is not in the audience.
GETS_IT = "gets it"
WAITS = "waits"
HELD_OUT = "held out"
OUTSIDE = "outside"
STANDINGS = (GETS_IT, WAITS, HELD_OUT, OUTSIDE)


@dataclass(frozen=True, order=True)
class Outcome:
    """Something that a campaign can do: a rule of a slot that wins, or a token with its own value or its fallback."""

    kind: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


@dataclass(frozen=True)
class Group:
    """People for whom the campaign does the same; `person_ids` names some of the `people`, best first."""

    standing: str
    outcomes: frozenset[Outcome]
    people: int
    person_ids: tuple[str, ...]


@dataclass(frozen=True)
class Chosen:
    """A person to show, and what they show first."""

    person_id: str
    standing: str
    shows: tuple[Outcome, ...]


def cover(groups: Sequence[Group], least: int) -> list[Chosen]:
    """People for every outcome that anybody has, each standing exhausted before the next one is asked; filled up to
    `least` with people of the largest groups that get the message."""
    chosen: list[Chosen] = []
    taken: set[str] = set()
    covered: set[Outcome] = set()
    for standing in STANDINGS:
        left = [group for group in groups if group.standing == standing]
        while left:
            best = max(left, key=lambda group: (len(group.outcomes - covered), group.people, group.person_ids))
            if not best.outcomes - covered:
                break
            chosen.append(Chosen(best.person_ids[0], standing, tuple(sorted(best.outcomes - covered))))
            taken.add(best.person_ids[0])
            covered |= best.outcomes
            left.remove(best)
    more = (each for each in _in_turns(groups) if each.person_id not in taken)
    chosen.extend(each for each, _ in zip(more, range(least - len(chosen)), strict=False))
    return chosen


def counts(groups: Iterable[Group]) -> dict[Outcome, int]:
    """How many of those who get the message have each outcome."""
    found: dict[Outcome, int] = {}
    for group in groups:
        for outcome in group.outcomes:
            found[outcome] = found.get(outcome, 0) + (group.people if group.standing == GETS_IT else 0)
    return found


def _in_turns(groups: Sequence[Group]) -> Iterable[Chosen]:
    """The people who get the message: one of each group, the largest first, then the next of each."""
    mailed = sorted(
        (each for each in groups if each.standing == GETS_IT), key=lambda each: (-each.people, each.person_ids)
    )
    longest = max((len(group.person_ids) for group in mailed), default=0)
    for turn in range(longest):
        for group in mailed:
            if turn < len(group.person_ids):
                yield Chosen(group.person_ids[turn], GETS_IT, ())

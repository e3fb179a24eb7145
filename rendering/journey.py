"""What a journey is: who enters, which steps follow after which waits, what ends it, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

from rendering import journey_parts as parts
from rendering.located import Located, read_yaml
from rendering.parts import NAME, read_name

JOURNEYS = Path(__file__).parent / "journeys"
# A message's occurrence is `<journey>:<step>:<entry>`, and the outbox keeps 64 characters of it.
MAX_NAMES_CHARACTERS = 40
DEFAULT_AT_MOST_LATE = timedelta(days=3)


@dataclass(frozen=True)
class Step:
    """One message: due `wait` after the step before it, and never sent more than `at_most_late` after that."""

    name: str
    campaign: str
    wait: timedelta
    at_most_late: timedelta
    conditions: tuple[parts.Condition, ...]
    otherwise: str
    line: int


@dataclass(frozen=True)
class Journey:
    """A validated `<name>.yml`. `reentry` is None for never, else the time that must pass since the last entry's end.

    `stays` is how long after its last step a person still belongs to the journey: a goal counts, and another trigger
    is no entry.
    """

    name: str
    file: Path
    title: str
    starts: datetime | None
    entry: tuple[parts.Signal, ...]
    reentry: timedelta | None
    steps: tuple[Step, ...]
    exits: tuple[parts.Signal, ...]
    goal: tuple[parts.Signal, ...]
    stays: timedelta


_FIELDS = ("title", "starts", "entry", "reentry", "steps", "exit", "goal", "stays")
_STEP_FIELDS = ("step", "wait", "campaign", "when", "otherwise", "at_most_late")


def journey_files(folder: Path = JOURNEYS) -> list[Path]:
    """The journeys' files, one a journey, in the order of their names."""
    return sorted(folder.glob("*.yml"))


def load_journey(file: Path) -> Journey:
    """The journey of one file; CampaignError names the file, the line and the field."""
    root = read_yaml(file, "journey")
    if not NAME.fullmatch(file.stem):
        raise root.error(f"the file's name {file.stem!r} must be lower case letters, digits and _.")
    left = root.fields()
    title, starts = left.required("title").text(), left.optional("starts")
    entry = parts.read_signals(left.required("entry"), parts.ENTRIES)
    reentry = parts.read_reentry(left.required("reentry"))
    listed, exits, stays = left.required("steps"), left.optional("exit"), left.optional("stays")
    goal = parts.read_signals(left.required("goal"), parts.GOALS)
    left.nothing_else(_FIELDS)
    steps = _steps(listed, file.stem)
    return Journey(
        name=file.stem,
        file=file,
        title=title,
        starts=parts.read_day(starts) if starts else None,
        entry=entry,
        reentry=reentry,
        steps=steps,
        exits=parts.read_signals(exits, parts.EXITS) if exits else (),
        goal=goal,
        stays=_stays(stays, steps),
    )


def _steps(located: Located, journey: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for item in located.items():
        step = _step(item, is_first=not steps)
        if step.name in (each.name for each in steps):
            raise item.error(f"the step {step.name} stands twice; give each its own name.")
        if len(journey) + len(step.name) > MAX_NAMES_CHARACTERS:
            raise item.error(
                f"the names {journey} and {step.name} have {len(journey) + len(step.name)} characters together, "
                f"{MAX_NAMES_CHARACTERS} are the most; shorten one of them."
            )
        steps.append(step)
    if not steps:
        raise located.error("a journey needs at least one step; add one.")
    return tuple(steps)


def _step(item: Located, *, is_first: bool) -> Step:
    left = item.fields()
    when, otherwise, late = left.optional("when"), left.optional("otherwise"), left.optional("at_most_late")
    # Two steps at one instant would be two messages at once.
    wait = parts.read_duration(left.required("wait"), timedelta(0) if is_first else timedelta(hours=1))
    step = Step(
        name=read_name(left.required("step")),
        campaign=read_name(left.required("campaign")),
        wait=wait,
        at_most_late=parts.read_duration(late, timedelta(hours=1)) if late else DEFAULT_AT_MOST_LATE,
        conditions=parts.read_conditions(when) if when else (),
        otherwise=otherwise.choice(("skip", "exit")) if otherwise else "skip",
        line=item.line,
    )
    left.nothing_else(_STEP_FIELDS)
    return step


def _stays(located: Located | None, steps: tuple[Step, ...]) -> timedelta:
    """What the file says, at least until no step can be sent any more."""
    offsets = list(accumulate((step.wait for step in steps), initial=timedelta(0)))[1:]
    last_chance = max(offset + step.at_most_late for offset, step in zip(offsets, steps, strict=True))
    least = last_chance - offsets[-1]
    return parts.read_duration(located, least) if located else least

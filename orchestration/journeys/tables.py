"""The journeys as SQL reads them: four small tables, always there, empty when there is no journey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from rendering.journey import Journey

_TEXT, _COUNT, _FLAG = pa.string(), pa.int64(), pa.bool_()
_SCHEMAS = {
    "journeys": pa.schema(
        [
            ("journey", _TEXT), ("title", _TEXT), ("starts_at", pa.timestamp("us")),
            ("reentry", _TEXT), ("reentry_seconds", _COUNT), ("stays_seconds", _COUNT),
        ]
    ),
    "journey_rules": pa.schema(
        [("journey", _TEXT), ("role", _TEXT), ("kind", _TEXT), ("value", _TEXT), ("reason", _TEXT)]
    ),
    "journey_steps": pa.schema(
        [
            ("journey", _TEXT), ("step", _TEXT), ("step_number", _COUNT), ("campaign", _TEXT),
            ("wait_seconds", _COUNT), ("at_most_late_seconds", _COUNT), ("otherwise", _TEXT),
        ]
    ),
    "journey_conditions": pa.schema(
        [
            ("journey", _TEXT), ("step", _TEXT), ("condition_number", _COUNT), ("kind", _TEXT), ("value", _TEXT),
            ("is_negated", _FLAG), ("words", _TEXT),
        ]
    ),
}  # fmt: skip
NAMES = tuple(_SCHEMAS)
_REENTRIES = {None: "never", 0: "always"}


def journey_tables(journeys: Iterable[Journey]) -> dict[str, pa.Table]:
    """A table by name for each of NAMES; times are whole seconds."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in NAMES}
    for journey in journeys:
        rows["journeys"].append(_journey(journey))
        rows["journey_rules"] += _signals(journey)
        rows["journey_steps"] += _steps(journey)
        rows["journey_conditions"] += _conditions(journey)
    return {name: pa.Table.from_pylist(found, _SCHEMAS[name]) for name, found in rows.items()}


def _journey(journey: Journey) -> dict[str, object]:
    seconds = None if journey.reentry is None else int(journey.reentry.total_seconds())
    return {
        "journey": journey.name,
        "title": journey.title,
        "starts_at": journey.starts.replace(tzinfo=None) if journey.starts else None,
        "reentry": _REENTRIES.get(seconds, "after"),
        "reentry_seconds": seconds,
        "stays_seconds": int(journey.stays.total_seconds()),
    }


def _signals(journey: Journey) -> Iterator[dict[str, object]]:
    goal = [(each.kind, each.value) for each in journey.goal]
    found = [("entry", each.kind, each.value, each.kind) for each in journey.entry]
    found += [("goal", kind, value, "goal_reached") for kind, value in goal]
    for each in journey.exits:
        if each.kind == "goal_reached":
            found += [("exit", kind, value, "goal_reached") for kind, value in goal]
        else:
            found.append(("exit", each.kind, each.value, each.kind))
    # The same thing may end a journey for two reasons; the goal is the better one.
    ends: dict[tuple[str, str, str], str] = {}
    for role, kind, value, reason in found:
        key = (role, kind, value)
        ends[key] = "goal_reached" if "goal_reached" in (reason, ends.get(key)) else reason
    for (role, kind, value), reason in ends.items():
        yield {"journey": journey.name, "role": role, "kind": kind, "value": value, "reason": reason}


def _steps(journey: Journey) -> Iterator[dict[str, object]]:
    for number, step in enumerate(journey.steps, 1):
        yield {
            "journey": journey.name,
            "step": step.name,
            "step_number": number,
            "campaign": step.campaign,
            "wait_seconds": int(step.wait.total_seconds()),
            "at_most_late_seconds": int(step.at_most_late.total_seconds()),
            "otherwise": step.otherwise,
        }


def _conditions(journey: Journey) -> Iterator[dict[str, object]]:
    for step in journey.steps:
        for number, each in enumerate(step.conditions, 1):
            yield {
                "journey": journey.name,
                "step": step.name,
                "condition_number": number,
                "kind": each.kind,
                "value": each.value,
                "is_negated": each.is_negated,
                "words": each.words,
            }

"""Where a person stands in a journey, by walking through their life step by step; SQL must say the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from rendering.journey import Journey, Step
from rendering.journey_parts import Condition, Signal
from tests.journeys.years import CAMPAIGNS, Life


@dataclass(frozen=True)
class Message:
    """A message of the outbox."""

    planned_at: datetime
    state: str


@dataclass
class Entry:
    entered_at: datetime
    exited_at: datetime | None = None
    exit_reason: str | None = None
    goal_reached_at: datetime | None = None
    steps: dict[str, tuple[datetime, str, str | None]] = field(default_factory=dict)


Outbox = dict[tuple[str, str, str, datetime], Message]


def walk(journey: Journey, life: Life, outbox: Outbox, now: datetime) -> list[Entry]:
    """The person's entries as of `now`, each step with its due instant, state and reason."""
    entries: list[Entry] = []
    for trigger in sorted({at for signal in journey.entry for at in happened(signal, life)}):
        if trigger > now or (journey.starts and trigger < journey.starts.replace(tzinfo=None)):
            continue
        if entries and not _may_enter(journey, entries[-1], trigger):
            continue
        entries.append(_entry(journey, life, outbox, now, trigger))
    return entries


def happened(signal: Signal, life: Life) -> list[datetime]:
    """The instants of a signal."""
    match signal.kind:
        case "bought":
            return life.orders
        case "event":
            return [at for at, activity in life.activity if activity == signal.value]
        case "segment_entered" | "segment_left":
            change = "entered" if signal.kind == "segment_entered" else "exited"
            return [at for at, segment, what in life.segments if (segment, what) == (signal.value, change)]
        case "stage_entered":
            return [at for at, _, stage in life.stages if stage == signal.value]
        case "stage_left":
            return [at for at, stage, _ in life.stages if stage == signal.value]
    assert signal.kind == "suppressed"
    return [life.suppressed_at] if life.suppressed_at else []


def holds(condition: Condition, life: Life, entered_at: datetime, at: datetime) -> bool:
    """Whether a condition holds at an instant."""
    if condition.kind == "in_segment":
        changes = [change for when, segment, change in life.segments if segment == condition.value and when <= at]
        found = bool(changes) and changes[-1] == "entered"
    elif condition.kind == "stage_is":
        stages = [stage for when, _, stage in life.stages if when <= at]
        found = bool(stages) and stages[-1] == condition.value
    else:
        signal = Signal(condition.kind, condition.value, 0)
        found = any(entered_at < when <= at for when in happened(signal, life))
    return found != condition.is_negated


def gate(step: Step, life: Life, due: datetime) -> tuple[datetime, str] | None:
    """The first instant from `due` on at which the person may not be written to, and why."""
    purpose, holdout = CAMPAIGNS[step.campaign]
    if life.is_deleted:
        return due, "deleted"
    if life.email_seen_at is None or life.email_seen_at > due:
        return due, "no_address"
    if life.suppressed_at and life.suppressed_at <= due:
        return due, "suppressed"
    decisions = [(at, granted) for at, about, granted in life.consents if about == purpose]
    before = [(at, not granted) for at, granted in decisions if at <= due]
    if not before or max(before)[1]:
        return due, "no_consent"
    if int(hashlib.md5(f"holdout:{step.campaign}:{life.person_id}".encode()).hexdigest()[:12], 16) / 2**48 < holdout:
        return due, "campaign_holdout"
    later = [(at, "no_consent") for at, granted in decisions if at > due and not granted]
    later += [(life.suppressed_at, "suppressed")] if life.suppressed_at else []
    return min(later, key=lambda each: (each[0], each[1] == "no_consent"), default=None)


def _may_enter(journey: Journey, last: Entry, trigger: datetime) -> bool:
    if journey.reentry is None or last.exited_at is None:
        return False
    return trigger >= last.exited_at + journey.reentry and trigger > last.exited_at


def _entry(journey: Journey, life: Life, outbox: Outbox, now: datetime, entered_at: datetime) -> Entry:
    entry = Entry(entered_at)
    due, dues, messages = entered_at, {}, {}
    for step in journey.steps:
        dues[step.name] = due = due + step.wait
        message = outbox.get((life.person_id, journey.name, step.name, entered_at))
        # What this very run plans is not yet known to it.
        if message and message.planned_at < now:
            messages[step.name] = message
            due = due if message.state == "held_out" else message.planned_at
    failed = {
        step.name
        for step in journey.steps
        if dues[step.name] <= now and step.name not in messages
        if not all(holds(each, life, entered_at, dues[step.name]) for each in step.conditions)
    }
    goals = [at for signal in journey.goal for at in happened(signal, life) if entered_at < at <= now]
    ends = [
        (at, 1, "goal_reached" if at in goals and _ends_at_goal(journey, signal) else signal.kind, "")
        for signal in _exits(journey)
        for at in happened(signal, life)
        if entered_at < at <= now
    ]
    ends = [(at, 0 if reason == "goal_reached" else 1, reason, step) for at, _, reason, step in ends]
    ends += [
        (dues[step.name], 2, "condition", step.name)
        for step in journey.steps
        if step.name in failed and step.otherwise == "exit"
    ]
    if (over := dues[journey.steps[-1].name] + journey.stays) < now:
        ends.append((over, 3, "completed", ""))
    exit_step = ""
    if ends:
        entry.exited_at, _, entry.exit_reason, exit_step = min(ends)
    entry.goal_reached_at = min((at for at in goals if at <= (entry.exited_at or now)), default=None)
    waits_from: datetime | None = None
    for step in journey.steps:
        if waits_from is not None:
            waits_from += step.wait
            entry.steps[step.name] = (waits_from, "waiting", None)
            continue
        state, reason = _judge(step, life, entry, exit_step, dues[step.name], messages.get(step.name), failed, now)
        entry.steps[step.name] = (dues[step.name], state, reason)
        waits_from = now if state == "due" else None
    return entry


def _exits(journey: Journey) -> list[Signal]:
    named = [each for each in journey.exits if each.kind != "goal_reached"]
    return [*named, *journey.goal] if _has_goal(journey) else named


def _has_goal(journey: Journey) -> bool:
    return any(each.kind == "goal_reached" for each in journey.exits)


def _ends_at_goal(journey: Journey, signal: Signal) -> bool:
    return _has_goal(journey) and (signal.kind, signal.value) in {(each.kind, each.value) for each in journey.goal}


def _judge(
    step: Step, life: Life, entry: Entry, exit_step: str, due: datetime, message: Message | None,
    failed: set[str], now: datetime,
) -> tuple[str, str | None]:  # fmt: skip
    if message:
        skipped = {"held_out": "campaign_holdout", "rejected": "rejected"}
        return ("skipped", skipped[message.state]) if message.state in skipped else ("sent", None)
    left = entry.exited_at or datetime.max
    if left <= due and exit_step != step.name:
        return "exited", entry.exit_reason
    if due > now:
        return "waiting", None
    if step.name in failed:
        return "skipped", "condition"
    deadline = due + step.at_most_late
    barred = gate(step, life, due)
    if barred and barred[0] <= min(deadline, now) and barred[0] < left:
        return "skipped", barred[1]
    if left <= deadline and entry.exit_reason != "completed":
        return "exited", entry.exit_reason
    return ("skipped", "too_late") if now > deadline else ("due", None)

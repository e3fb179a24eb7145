"""Lint of journeys: names that lead nowhere, before anybody enters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from rendering.campaign import OF_JOURNEYS
from rendering.journey import Journey
from rendering.lint import Finding
from rendering.located import did_you_mean


@dataclass(frozen=True)
class Names:
    """What a journey may name: campaigns with their occurrence, segments, and stages (none: not known).

    Of the segments, `not_for_mailing` may decide nothing about messages.
    """

    campaigns: Mapping[str, str]
    segments: Collection[str]
    stages: Collection[str]
    not_for_mailing: Collection[str] = ()


def lint_journey(journey: Journey, names: Names) -> list[Finding]:
    """What is wrong with `journey`, in the order of lines; an error means that it must not send."""
    return sorted({*_campaigns(journey, names), *_states(journey, names)})


def _campaigns(journey: Journey, names: Names) -> Iterator[Finding]:
    for step in journey.steps:
        occurrence = names.campaigns.get(step.campaign)
        if occurrence is None:
            hint = did_you_mean(step.campaign, tuple(names.campaigns))
            message = f"steps: {step.name}: there is no campaign {step.campaign}; write it.{hint}"
            yield Finding(journey.file, step.line, "error", message)
        elif occurrence != OF_JOURNEYS:
            message = (
                f"steps: {step.name}: the campaign {step.campaign} has an audience too, which gets it besides; "
                f"give it `occurrence: {OF_JOURNEYS}`, unless that is meant."
            )
            yield Finding(journey.file, step.line, "warning", message)


def _states(journey: Journey, names: Names) -> Iterator[Finding]:
    named = [(each.kind, each.value, each.line) for each in (*journey.entry, *journey.exits, *journey.goal)]
    named += [(each.kind, each.value, each.line) for step in journey.steps for each in step.conditions]
    for kind, value, line in named:
        if "segment" in kind and value not in names.segments:
            hint = did_you_mean(value, tuple(names.segments))
            yield Finding(journey.file, line, "error", f"{kind}: there is no segment {value}.{hint}")
        elif "segment" in kind and value in names.not_for_mailing:
            message = f"{kind}: the segment {value} is tagged not_for_mailing; take it out, whatever it is used for."
            yield Finding(journey.file, line, "error", message)
        elif "stage" in kind and names.stages and value not in names.stages:
            hint = did_you_mean(value, tuple(names.stages))
            yield Finding(journey.file, line, "warning", f"{kind}: nobody is ever in a stage {value}.{hint}")

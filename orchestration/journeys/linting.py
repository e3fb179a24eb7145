"""Journeys held against the campaigns, segments and stages that they name, before anything is planned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from orchestration import dbt
from orchestration.segments.definitions import not_for_mailing
from orchestration.settings import CAMPAIGNS, DBT_PROJECT, PROJECT_ROOT
from rendering.campaign import OF_JOURNEYS, load_campaigns
from rendering.errors import CampaignError
from rendering.journey import JOURNEYS, Journey, journey_files, load_journey
from rendering.journey_lint import Names, lint_journey
from rendering.lint import Finding

_LIFECYCLE = DBT_PROJECT / "macros" / "lifecycle"


def findings(folder: Path = JOURNEYS) -> list[Finding]:
    """Every finding of every journey, in the order of files and lines."""
    found = [finding for _, _, findings in _linted(folder) for finding in findings]
    return [*found, *_campaigns_without_a_journey(folder)]


def sound(folder: Path = JOURNEYS) -> tuple[list[Journey], dict[str, str]]:
    """The journeys that may send, and for each that may not, by name, why: one sentence with file and line."""
    may_send, held = [], {}
    for file, journey, found in _linted(folder):
        errors = [finding for finding in found if finding.severity == "error"]
        if errors or journey is None:
            (first, *_) = errors
            shown = file.relative_to(PROJECT_ROOT) if file.is_relative_to(PROJECT_ROOT) else file
            held[file.stem] = f"The journey {file.stem} is held: {shown}:{first.line}: {first.message.rstrip('.')}."
        else:
            may_send.append(journey)
    return may_send, held


def _linted(folder: Path) -> Iterator[tuple[Path, Journey | None, list[Finding]]]:
    """Each file, its journey unless it cannot be read, and what is wrong with it."""
    names = _names()
    for file in journey_files(folder):
        try:
            journey = load_journey(file)
        except CampaignError as error:
            yield file, None, [Finding(error.file, error.line, "error", error.message)]
        else:
            yield file, journey, lint_journey(journey, names)


def _campaigns_without_a_journey(folder: Path) -> Iterator[Finding]:
    used = {step.campaign for _, journey, _ in _linted(folder) if journey for step in journey.steps}
    for campaign in load_campaigns(CAMPAIGNS):
        if campaign.occurrence == OF_JOURNEYS and campaign.name not in used:
            line = campaign.lines["occurrence"]
            message = "no journey has a step that sends this campaign; name it in one, or give it an audience."
            yield Finding(campaign.file, line, "warning", message)


def _names() -> Names:
    return Names(
        campaigns={campaign.name: campaign.occurrence for campaign in load_campaigns(CAMPAIGNS)},
        segments=frozenset(dbt.segments()),
        stages=frozenset(_stages()),
        not_for_mailing=frozenset(not_for_mailing()),
    )


def _stages() -> list[str]:
    """The stages of the lifecycle rules in force, as their macro lists them; none when it cannot be found."""
    rules = dbt.project_vars()["lifecycle_rules"]
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(_LIFECYCLE.glob("*.sql")))
    listed = re.search(rf"macro lifecycle_{rules}_stages\(\)(.*?)endmacro", text, re.DOTALL)
    return re.findall(r"'(\w+)'", listed[1]) if listed else []

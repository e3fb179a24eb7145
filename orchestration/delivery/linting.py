"""Campaigns held against the profile that they read: before a person looks, and before anything is planned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from orchestration.delivery import rule_counts
from orchestration.delivery.esp.choice import FOLDER, refusals
from orchestration.delivery.rule_findings import rule_findings
from orchestration.journeys import linting as journeys
from orchestration.segments import linting as segments
from orchestration.segments.definitions import FOLDER as SEGMENTS
from orchestration.segments.definitions import Definition, definitions, shown
from orchestration.settings import CAMPAIGNS, DBT_PROJECT
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns
from rendering.lint import Finding, lint
from rendering.lint_consistency import consistency_findings
from rendering.policy import POLICY
from rendering.source import BLOCKS

__all__ = ["errors", "findings", "shown"]
_PROFILES = DBT_PROJECT / "models" / "profiles" / "profiles.yml"
# A file as it was when it was read: path, time of change in nanoseconds, size in bytes.
State = tuple[tuple[str, int, int], ...]


def findings(warehouse: Warehouse | None = None, esp: str = FOLDER, campaign: str | None = None) -> list[Finding]:
    """Every finding of every campaign, segment and journey, in the order of files and lines; of one campaign alone
    with `campaign`.

    With a built warehouse, also the rules that nobody gets, as the last run counted them. `esp` names the adapter
    that is to send: what it cannot is an error.
    """
    campaigns = load_campaigns(CAMPAIGNS)
    columns, sensitive = _profile_columns()
    known = definitions()
    counts = rule_counts.recorded(warehouse) if warehouse else []
    between = consistency_findings(campaigns)
    of_campaigns = [
        finding
        for each in campaigns
        if campaign in (None, each.name)
        for finding in sorted(
            [
                *lint(each, columns, sensitive),
                *segments.audience_findings(each, known),
                *rule_findings(each, counts),
                *(found for found in between if found.file == each.file),
                *_refused(each, esp),
            ]
        )
    ]
    if campaign:
        return of_campaigns
    of_blocks = [found for found in between if found.file.parent == BLOCKS]
    return [*of_campaigns, *of_blocks, *segments.findings(), *journeys.findings()]


def errors(campaign: Campaign, esp: str = FOLDER) -> list[str]:
    """Why the campaign must not leave by that ESP, one sentence each with file and line; none when it may.

    A run asks several times; it is answered from memory as long as no file that it depends on has changed."""
    key = (esp, repr(campaign), _state(_read_by(campaign)))
    found = _errors.get(key)
    if found is None:
        if len(_errors) >= _KEPT_ERRORS:
            _errors.clear()
        columns, sensitive = _profile_columns()
        found = _errors[key] = tuple(
            f"{campaign.name} is held: {shown(finding.file)}:{finding.line}: {finding.message.rstrip('.')}."
            for finding in [
                *segments.audience_findings(campaign, _definitions(key[2])),
                *lint(campaign, columns, sensitive),
                *_refused(campaign, esp),
            ]
            if finding.severity == "error"
        )
    return list(found)


_KEPT_ERRORS = 256
_errors: dict[tuple[str, str, State], tuple[str, ...]] = {}
_segments: dict[State, dict[str, Definition]] = {}


def _definitions(state: State) -> dict[str, Definition]:
    """The segments' definitions, read once for all campaigns."""
    of_segments = tuple(each for each in state if each[0].startswith(str(SEGMENTS)))
    if of_segments not in _segments:
        _segments.clear()
        _segments[of_segments] = definitions()
    return _segments[of_segments]


def _read_by(campaign: Campaign) -> Iterable[Path]:
    yield from (file for file in campaign.folder.rglob("*") if file.is_file())
    yield from (file for file in BLOCKS.rglob("*") if file.is_file())
    yield from (file for file in SEGMENTS.rglob("*") if file.is_file())
    yield from (_PROFILES, POLICY)


def _state(files: Iterable[Path]) -> State:
    found = ((file, file.stat()) for file in sorted(files))
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file, stat in found)


def _refused(campaign: Campaign, esp: str) -> list[Finding]:
    line = campaign.lines.get("sender", 1)
    return [Finding(campaign.file, line, "error", reason) for reason in refusals(esp, campaign)]


def _profile_columns() -> tuple[set[str], set[str]]:
    """The columns of core.profiles as its contract declares them, and the sensitive ones among them."""
    (model,) = yaml.safe_load(_PROFILES.read_text(encoding="utf-8"))["models"]
    names = {column["name"] for column in model["columns"]}
    sensitive = {
        column["name"] for column in model["columns"] if column.get("config", {}).get("meta", {}).get("sensitive")
    }
    return names, sensitive

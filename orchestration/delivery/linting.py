"""Campaigns held against the profile that they read: before a person looks, and before anything is planned."""

from __future__ import annotations

import yaml

from orchestration.delivery import rule_counts
from orchestration.delivery.esp.choice import FOLDER, refusals
from orchestration.delivery.rule_findings import rule_findings
from orchestration.journeys import linting as journeys
from orchestration.segments import linting as segments
from orchestration.segments.definitions import definitions, shown
from orchestration.settings import CAMPAIGNS, DBT_PROJECT
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns
from rendering.lint import Finding, lint

__all__ = ["errors", "findings", "shown"]
_PROFILES = DBT_PROJECT / "models" / "profiles" / "profiles.yml"


def findings(warehouse: Warehouse | None = None, esp: str = FOLDER) -> list[Finding]:
    """Every finding of every campaign, segment and journey, in the order of files and lines.

    With a built warehouse, also the rules that nobody gets, as the last run counted them. `esp` names the adapter
    that is to send: what it cannot is an error.
    """
    columns, sensitive = _profile_columns()
    known = definitions()
    counts = rule_counts.recorded(warehouse) if warehouse else []
    of_campaigns = [
        finding
        for campaign in load_campaigns(CAMPAIGNS)
        for finding in sorted(
            [
                *lint(campaign, columns, sensitive),
                *segments.audience_findings(campaign, known),
                *rule_findings(campaign, counts),
                *_refused(campaign, esp),
            ]
        )
    ]
    return [*of_campaigns, *segments.findings(), *journeys.findings()]


def errors(campaign: Campaign, esp: str = FOLDER) -> list[str]:
    """Why the campaign must not leave by that ESP, one sentence each with file and line; none when it may."""
    columns, sensitive = _profile_columns()
    return [
        f"{campaign.name} is held: {shown(finding.file)}:{finding.line}: {finding.message.rstrip('.')}."
        for finding in [
            *segments.audience_findings(campaign),
            *lint(campaign, columns, sensitive),
            *_refused(campaign, esp),
        ]
        if finding.severity == "error"
    ]


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

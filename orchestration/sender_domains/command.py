"""The part of `sincerely doctor` that looks at the senders' domains."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from orchestration.sender_domains.checking import check
from orchestration.settings import CAMPAIGNS, Settings
from rendering.campaign import load_campaigns


def doctor(settings: Settings, rows: list[dict[str, Any]], as_json: bool) -> None:
    """Prints what is missing at each campaign's sender and the record to publish, after the settings in `rows`.

    Ends with status 1 where something keeps bulk mail out of inboxes.
    """
    findings = check(settings, load_campaigns(CAMPAIGNS))
    if as_json:
        found = [
            {"name": f"{each.subject} of {each.domain}", "value": each.words, "origin": "DNS", "level": each.level}
            for each in findings
        ]
        click.echo(json.dumps([*rows, *found]))
    for finding in [] if as_json else findings:
        click.echo(f"{finding.domain} {finding.subject}: {finding.level}: {finding.words}")
    if any(finding.level == "error" for finding in findings):
        sys.exit(1)

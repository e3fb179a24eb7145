"""`sincerely lint`: what is wrong with campaigns, segments and journeys; with `--audience`, with the messages."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands import JSON, Command, warehouse_of
from orchestration.settings import CAMPAIGNS, load_settings

if TYPE_CHECKING:
    from orchestration.delivery.audience_check import AudienceCheck
    from orchestration.settings import Settings
    from rendering.campaign import Campaign


def add_to(main: click.Group, command: Command) -> None:
    """Puts the command under the command line; `command` is how that makes its commands."""
    examples = "sincerely lint\nsincerely lint loyalty_reward --online\nsincerely lint loyalty_reward --audience"
    command("lint", examples, main)(_lint)


@click.argument("campaign", required=False)
@click.option("--audience", is_flag=True, help="Make every recipient's message, and look at all of them.")
@click.option("--online", is_flag=True, help="Ask over the network whether links and pictures are there.")
@JSON
def _lint(campaign: str | None, audience: bool, online: bool, as_json: bool) -> None:
    """Check campaigns, templates and journeys; each finding names the file and the line.

    Exit status 1 when something is wrong, or when a message goes beyond the campaign's limits.
    """
    from orchestration.delivery.linting import findings, shown
    from orchestration.errors import SincerelyError
    from rendering.campaign import load_campaigns

    settings, known = load_settings(), load_campaigns(CAMPAIGNS)
    chosen = [each for each in known if campaign in (None, each.name)]
    if not chosen:
        names = ", ".join(each.name for each in known)
        raise SincerelyError(f"There is no campaign {campaign}; there are {names}.")
    warehouse = warehouse_of(settings) if settings.warehouse.exists() else None
    found = findings(warehouse, settings.esp, campaign)
    if online:
        from orchestration.delivery.link_check import link_findings

        found = [*found, *link_findings(chosen)]
    rows: list[dict[str, Any]] = [
        {"file": shown(each.file), "line": each.line, "severity": each.severity, "message": each.message}
        for each in found
    ]
    is_wrong = any(row["severity"] == "error" for row in rows)
    checks = [] if is_wrong or not audience else [_looked_at(settings, each) for each in chosen]
    if as_json:
        click.echo(json.dumps({"findings": rows, "audience": [facts for facts, _ in checks]} if audience else rows))
    else:
        _tell(rows, checks, is_skipped=audience and is_wrong)
    sys.exit(1 if is_wrong or any(facts["held_by"] for facts, _ in checks) else 0)


def _tell(rows: list[dict[str, Any]], checks: list[tuple[dict[str, Any], list[str]]], *, is_skipped: bool) -> None:
    for row in rows:
        click.echo(f"{row['file']}:{row['line']}: {row['severity']}: {row['message']}")
    click.echo(f"{len(rows)} findings" if rows else "Campaigns, templates, rules and journeys are sound.")
    for _, lines in checks:
        click.echo("\n".join(lines))
    if is_skipped:
        click.echo("No message was made; mend the errors first.")


def _looked_at(settings: Settings, campaign: Campaign) -> tuple[dict[str, Any], list[str]]:
    """The facts of one campaign's messages, recorded, and the lines that tell them."""
    from orchestration.delivery import audience_check, planner
    from orchestration.errors import DeliveryError
    from rendering.check_parts import AudienceLimits

    warehouse, as_of = warehouse_of(settings), settings.as_of or datetime.now(UTC)
    if not (settings.warehouse.exists() and warehouse.exists("core.message_candidates")):
        raise DeliveryError("Nothing is built yet, so nobody's message can be made; run `sincerely build` first.")
    occurrence = planner.occurrence_of(campaign, as_of)
    check = audience_check.look(warehouse, campaign, occurrence, also_planned=True)
    last = audience_check.last_facts(warehouse, campaign.name, occurrence)
    held_by = [reason for _, reason in audience_check.causes(check, campaign.check_audience or AudienceLimits(), last)]
    changed = list(audience_check.changes(check, last)) if last else []
    audience_check.record(warehouse, check, held_by, as_of)
    facts = {**asdict(check), "held_by": held_by, "changed": [list(each) for each in changed]}
    return facts, _lines(check, held_by, changed)


def _lines(check: AudienceCheck, held_by: list[str], changed: list[tuple[str, float, float]]) -> list[str]:
    lines = [f"\n{check.campaign} {check.occurrence}: {check.messages:,} messages made, none written down"]
    groups = [(f"cannot be rendered: {reason}", group) for reason, group in check.failed.items()]
    groups += [(f"without {name}", group) for name, group in check.missing.items()]
    groups += [("without products", check.empty_recommendations), ("over the limit of size", check.oversized)]
    groups += [("the same as somebody else's", check.identical)]
    for words, group in groups:
        if group.count:
            whose = f" ({', '.join(group.examples)}{', …' if group.count > len(group.examples) else ''})"
            share = f"{group.count:>10,} {words}, {check.share(group.count):.1%}"
            lines.append(share + (whose if group.examples else ""))
    if check.html_bytes:
        sizes = ", ".join(f"{name} {size / 1024:.1f} KB" for name, size in check.html_bytes.items())
        lines.append(f"  HTML: {sizes}")
    lines += [f"{count:>10,} by {rule}" for rule, count in check.rules.items()]
    lines += [f"  since the last occurrence {name}: {before:,.3g} to {now:,.3g}" for name, before, now in changed]
    return [*lines, *(f"  held: {reason}." for reason in held_by)]

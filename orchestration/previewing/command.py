"""`sincerely preview`: the gallery of every campaign's messages, and test sends to seed addresses."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from orchestration.commands import JSON, Command
from orchestration.previewing.versions import LAST, NONE
from orchestration.settings import load_settings


def add_to(main: click.Group, command: Command) -> None:
    """Puts `preview` under the command line; `command` is how that makes its commands."""
    examples = (
        "sincerely preview",
        "sincerely preview win_back onboarding --people 20",
        "sincerely preview loyalty_reward --person person.1@example.com --person person.2@example.com",
        "sincerely preview onboarding --send-to colleague@example.com",
        "sincerely preview --against 3f2a91c04b7d",
    )
    command("preview", "\n".join(examples), main)(_preview)


@click.argument("campaigns", metavar="[CAMPAIGN]...", nargs=-1)
@click.option("--person", "addresses", metavar="EMAIL", multiple=True, help="Show this person; may be repeated.")
@click.option(
    "--people",
    type=int,
    help="Show at least so many people a campaign; more where it takes more to show every rule and fallback. "
    "12 unless --person names some.",
)
@click.option(
    "--against",
    default=LAST,
    show_default=True,
    metavar="VERSION",
    help=f"Which earlier preview to hold it against: {LAST}, {NONE}, or the beginning of a version's name.",
)
@click.option(
    "--send-to",
    "seeds",
    metavar="ADDRESS",
    multiple=True,
    help="Also send each campaign's first person's messages to this address, marked as tests. It must be one of "
    "SINCERELY_SEED_ADDRESSES; may be repeated.",
)
@JSON
def _preview(
    campaigns: tuple[str, ...],
    addresses: tuple[str, ...],
    people: int | None,
    against: str,
    seeds: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a gallery of messages that opens from disk, and say where it is.

    Of each campaign it shows real people who together show every rule and every fallback, on a desktop and a phone, in
    light and dark, and why each sees what they see. Nothing is planned, recorded or sent; with --send-to, only tests.
    """
    from orchestration.previewing import preview
    from orchestration.previewing import seeds as tests

    settings = load_settings()
    allowed = tests.checked(settings, seeds)
    written = preview.write(settings, campaigns, addresses, people, against)
    sent = tests.send(settings, written.previews, allowed, written.named) if allowed else None
    sections = [preview.told(section) for section in written.sections]
    problems = any(section["problems"] or section["not_rendered"] for section in sections)
    facts = {
        "preview": str(written.path),
        "version": written.version,
        "against": written.against,
        "changed": written.changed,
        "campaigns": sections,
        "tests_sent": sent,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        _tell(facts)
    sys.exit(1 if problems else 0)


def _tell(facts: dict[str, Any]) -> None:
    for section in facts["campaigns"]:
        click.echo(f"{section['campaign']}: {section['messages']} messages of {section['people']} people", nl=False)
        click.echo(
            f", {section['outside']} of them only to show what nobody in the audience does"
            if section["outside"]
            else ""
        )
        for sentence in (*section["problems"], *section["not_rendered"]):
            click.echo(f"  {sentence}")
        if section["nobody"]:
            click.echo(f"  nobody shows {', '.join(section['nobody'])}")
    if facts["against"]:
        click.echo(f"Held against version {facts['against']}: {facts['changed']} messages changed.")
    if facts["tests_sent"] is not None:
        click.echo(f"{facts['tests_sent']} test messages handed over.")
    click.echo(f"Open {facts['preview']}")

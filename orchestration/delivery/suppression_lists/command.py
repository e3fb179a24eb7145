"""`sincerely suppressions …`: who is never written to, here and at the ESP."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from orchestration.commands import JSON, Command
from orchestration.settings import load_settings


def add_to(main: click.Group, command: Command) -> None:
    """Puts the group `suppressions` under the command line; `command` is how that makes its commands."""
    main.add_command(_suppressions)
    command("sync", "sincerely suppressions sync\nsincerely suppressions sync --json", _suppressions)(_sync)


@click.group("suppressions")
def _suppressions() -> None:
    """Keep the lists of those who are never written to alike, here and at SendGrid."""


@JSON
def _sync(as_json: bool) -> None:
    """Receive what is new on SendGrid's suppression lists, and add to them whom only we suppress."""
    from orchestration.delivery.suppression_lists.sendgrid import SuppressionLists
    from orchestration.delivery.suppression_lists.syncing import sync

    settings = load_settings()
    lists = SuppressionLists(settings.sendgrid_api_key, settings.sendgrid_url)
    try:
        synced = sync(settings, lists)
    finally:
        lists.close()
    if as_json:
        return click.echo(json.dumps(asdict(synced)))
    click.echo(f"On SendGrid's lists: {synced.theirs:,}")
    click.echo(f"New to us: {synced.received:,}" + (", landed by the next run" if synced.received else ""))
    click.echo(f"Added to theirs: {synced.added:,}" + (f", and {synced.refused:,} refused" if synced.refused else ""))

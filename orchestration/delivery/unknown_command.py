"""`sincerely settle`: what a person decides about messages of which nobody knows whether the ESP took them."""

from __future__ import annotations

import getpass
import json
from typing import Any

import click

from orchestration.commands import JSON, Command
from orchestration.errors import DeliveryError
from orchestration.settings import Settings, load_settings

VERDICTS = ("accepted", "resend", "rejected")


def add_to(main: click.Group, command: Command) -> None:
    """Puts the command under the command line; `command` is how that makes it."""
    command("settle", "sincerely settle win_back --as accepted\nsincerely settle win_back --as resend", main)(_settle)


@click.argument("campaign")
@click.option(
    "--as",
    "verdict",
    required=True,
    type=click.Choice(VERDICTS),
    help="accepted: they were taken; resend: they were not, hand them over again; rejected: never mind.",
)
@JSON
def _settle(campaign: str, verdict: str, as_json: bool) -> None:
    """Say what became of a campaign's unknown messages, where no event and no ESP has said it."""
    fact = settle(load_settings(), campaign, verdict)
    click.echo(json.dumps(fact) if as_json else fact["words"])


def settle(settings: Settings, campaign: str, verdict: str) -> dict[str, Any]:
    """Settles all of the campaign's unknown messages; DeliveryError when there are none."""
    from orchestration.delivery.outbox import Outbox

    state = {"resend": "planned"}.get(verdict, verdict)
    count = Outbox(settings.outbox_url).unknown.decide(campaign, state, f"{verdict}, said {getpass.getuser()}")
    if not count:
        raise DeliveryError(f"No message of {campaign} is unknown; `sincerely status` shows what is.")
    what = "1 message is" if count == 1 else f"{count:,} messages are"
    then = {"planned": "planned again and leaves with the next run"}.get(state, state)
    return {"campaign": campaign, "count": count, "state": state, "words": f"{campaign}: {what} {then}."}

"""`sincerely pause | resume | cancel | release`: what a person decides about a campaign, whatever runs meanwhile."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import Any

import click

from orchestration.commands import JSON, Command, warehouse_of
from orchestration.errors import DeliveryError
from orchestration.settings import CAMPAIGNS, Settings, load_settings


def add_to(main: click.Group, command: Command) -> None:
    """Puts the commands under the command line; `command` is how that makes them."""
    command("pause", "sincerely pause win_back", main)(_pause)
    command("resume", "sincerely resume win_back", main)(_resume)
    command("cancel", "sincerely cancel win_back", main)(_cancel)
    command(
        "release",
        'sincerely release win_back --because "The audience doubled: the shop in Boston opened."\n'
        'sincerely release win_back audience --because "The shop in Boston opened."',
        main,
    )(_release)


@click.argument("campaign")
@JSON
def _pause(campaign: str, as_json: bool) -> None:
    """Let nothing of a campaign leave until it is resumed, not even what a send is about to hand over."""
    _tell(pause(load_settings(), campaign), as_json)


@click.argument("campaign")
@JSON
def _resume(campaign: str, as_json: bool) -> None:
    """Let a paused campaign go on: what has not expired meanwhile leaves with the next run."""
    _tell(resume(load_settings(), campaign), as_json)


@click.argument("campaign")
@JSON
def _cancel(campaign: str, as_json: bool) -> None:
    """Withdraw what is planned of a campaign's occurrence, and plan no more of it; the next one leaves as usual."""
    _tell(cancel(load_settings(), campaign), as_json)


@click.argument("campaign")
@click.argument("check", required=False)
@click.option("--because", required=True, metavar="TEXT", help="Why it may leave all the same; it is kept.")
@JSON
def _release(campaign: str, check: str | None, because: str, as_json: bool) -> None:
    """Let a campaign leave in spite of what the gate found, for this occurrence and these causes alone."""
    _tell(release(load_settings(), campaign, check, because), as_json)


def pause(settings: Settings, campaign: str) -> dict[str, Any]:
    """Pauses every occurrence; the sender asks before each batch."""
    from orchestration.delivery.controls import EVERY_OCCURRENCE, PAUSED, Controls

    _known(campaign)
    Controls(settings.outbox_url).decide(campaign, [EVERY_OCCURRENCE], PAUSED, getpass.getuser(), datetime.now(UTC))
    return _said(campaign, f"{campaign} is paused; `sincerely resume {campaign}` lets it go on.")


def resume(settings: Settings, campaign: str) -> dict[str, Any]:
    """Ends a pause; DeliveryError when there is none."""
    from orchestration.delivery.controls import EVERY_OCCURRENCE, RUNNING, Controls

    controls = Controls(settings.outbox_url)
    if campaign not in controls.paused():
        raise DeliveryError(f"{campaign} is not paused; `sincerely status` shows what is.")
    controls.decide(campaign, [EVERY_OCCURRENCE], RUNNING, getpass.getuser(), datetime.now(UTC))
    return _said(campaign, f"{campaign} goes on with the next run.")


def cancel(settings: Settings, campaign: str) -> dict[str, Any]:
    """Cancels the present occurrence. A campaign of journeys has none that ends: it is paused."""
    from orchestration.delivery.controls import CANCELLED, EVERY_OCCURRENCE, PAUSED, Controls
    from orchestration.delivery.planner import occurrence_of
    from rendering.campaign import OF_JOURNEYS

    found, controls = _known(campaign), Controls(settings.outbox_url)
    is_of_journeys = found.occurrence == OF_JOURNEYS
    occurrence = EVERY_OCCURRENCE if is_of_journeys else occurrence_of(found, settings.as_of or datetime.now(UTC))
    control = PAUSED if is_of_journeys else CANCELLED
    controls.decide(campaign, [occurrence], control, getpass.getuser(), datetime.now(UTC))
    withdrawn = controls.withdraw(campaign)
    after = f"; it is paused until `sincerely resume {campaign}`" if is_of_journeys else f" ({occurrence})"
    return _said(
        campaign, f"{campaign} is cancelled{after}; {withdrawn:,} messages are withdrawn.", withdrawn=withdrawn
    )


def release(settings: Settings, campaign: str, check: str | None, because: str) -> dict[str, Any]:
    """Releases what holds the campaign now, or what one check found; DeliveryError when nothing does."""
    from orchestration.delivery.controls import Controls, Release
    from orchestration.gate.checks import CHECKS
    from orchestration.gate.evaluating import evaluate
    from rendering.campaign import load_campaigns

    _known(campaign)
    if check and check not in CHECKS:
        raise DeliveryError(f"There is no check {check}; the gate has {', '.join(CHECKS)}.")
    if not because.strip():
        raise DeliveryError("--because is empty; say why the campaign may leave all the same.")
    warehouse, controls, campaigns = warehouse_of(settings), Controls(settings.outbox_url), load_campaigns(CAMPAIGNS)
    as_of = settings.as_of or datetime.now(UTC)
    holds = [
        hold
        for hold in evaluate(warehouse, controls, campaigns, as_of)
        if hold.campaign == campaign and hold.is_held and check in (None, hold.finding.check)
    ]
    if not holds:
        raise DeliveryError(f"Nothing{f' that {check} found' if check else ''} holds {campaign}.")
    for hold in holds:
        controls.release(
            Release(
                campaign,
                hold.occurrence,
                hold.finding.check,
                hold.finding.cause,
                because.strip(),
                getpass.getuser(),
                datetime.now(UTC),
            )
        )
    left = [
        hold for hold in evaluate(warehouse, controls, campaigns, as_of) if hold.campaign == campaign and hold.is_held
    ]
    words = [f"{campaign} ({holds[0].occurrence}) is released: {hold.finding.reason}." for hold in holds]
    words += [hold.sentence for hold in left]
    return _said(campaign, "\n".join(words), released=[hold.finding.check for hold in holds], still_held=len(left))


def _known(campaign: str) -> Any:
    from rendering.campaign import load_campaigns
    from rendering.located import did_you_mean

    campaigns = {each.name: each for each in load_campaigns(CAMPAIGNS)}
    if campaign not in campaigns:
        hint = did_you_mean(campaign, tuple(campaigns))
        raise DeliveryError(f"There is no campaign {campaign}; there are {', '.join(campaigns)}.{hint}")
    return campaigns[campaign]


def _said(campaign: str, words: str, **facts: Any) -> dict[str, Any]:
    return {"campaign": campaign, "words": words, **facts}


def _tell(facts: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(facts) if as_json else facts["words"])

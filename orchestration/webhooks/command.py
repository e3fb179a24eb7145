"""`sincerely webhook …`: see, try and retry what is pushed to receivers."""

from __future__ import annotations

import json
import sys

import click

from orchestration.commands import JSON, Command, warehouse_of
from orchestration.settings import load_settings

_TROUBLED_ROWS = 10


def add_to(main: click.Group, command: Command) -> None:
    """Puts the group `webhook` under the command line; `command` is how that makes its commands."""
    main.add_command(_webhook)
    command("list", "sincerely webhook list\nsincerely webhook list --json", _webhook)(_list)
    command("show", "sincerely webhook show crm", _webhook)(_show)
    command("retry", "sincerely webhook retry crm", _webhook)(_retry)
    command("test", "sincerely webhook test crm", _webhook)(_test)


@click.group("webhook")
def _webhook() -> None:
    """Push who enters and leaves a segment to the URLs that webhooks.toml of the home names."""


@JSON
def _list(as_json: bool) -> None:
    """Name each webhook, how many changes wait for it, were delivered or given up, and what is wrong."""
    from orchestration.webhooks.status import overview

    rows = overview(load_settings())
    if as_json:
        return click.echo(json.dumps(rows))
    for row in rows:
        to = f" to {row['host']}" if row["host"] else ""
        click.echo(f"{row['webhook']}{to}: {row['words']}")
    if not rows:
        click.echo("No webhook is set up; write a table [[webhook]] into webhooks.toml of the home.")


@click.argument("name")
@JSON
def _show(name: str, as_json: bool) -> None:
    """Show one webhook's settings, how it stands, and its oldest deliveries that failed or were given up."""
    from dataclasses import asdict

    from orchestration.webhooks.deliveries import Deliveries
    from orchestration.webhooks.settings import load_webhooks, webhook_named
    from orchestration.webhooks.status import overview

    settings = load_settings()
    webhook = webhook_named(load_webhooks(settings.home), name)
    facts = next(row for row in overview(settings) if row["webhook"] == name)
    facts["settings"] = {field: value for field, value in asdict(webhook).items() if field not in ("name", "url")}
    facts["troubled"] = [asdict(each) for each in Deliveries(settings.outbox_url).troubled(name, _TROUBLED_ROWS)]
    if as_json:
        return click.echo(json.dumps(facts, default=str))
    click.echo(f"{name} to {facts['host']}: {facts['words']}")
    segments = ", ".join(webhook.segments) or "all segments"
    click.echo(f"  tells {' and '.join(webhook.changes)} of {segments}, since {webhook.since}")
    click.echo(f"  signs with {webhook.secret_env}, includes {', '.join(webhook.include) or 'no address'}")
    click.echo(
        f"  waits {webhook.timeout_seconds:g} s for an answer, tries {webhook.max_attempts} times, "
        f"{webhook.connections} at once"
    )
    for row in facts["troubled"]:
        when = f", again from {row['next_attempt_at']:%Y-%m-%d %H:%M:%S}" if row["next_attempt_at"] else ""
        click.echo(
            f"  {row['state'].replace('_', ' ')}: {row['person_id']} {row['change']} {row['segment']} at "
            f"{row['changed_at']}: {row['attempts']} attempts, {row['last_error']}{when}"
        )


@click.argument("name")
@JSON
def _retry(name: str, as_json: bool) -> None:
    """Try all that waits for a webhook at once, what was given up too, and let a stopped one go on."""
    from orchestration.webhooks import pushing
    from orchestration.webhooks.settings import load_webhooks, webhook_named

    settings = load_settings()
    webhook = webhook_named(load_webhooks(settings.home), name)
    done = pushing.retry(settings, warehouse_of(settings), webhook)
    (pushed,) = done.run.pushed
    problem = done.run.problems.get(name, "")
    facts = {
        "webhook": name,
        "in_line_again": done.retried.in_line,
        "outdated": done.retried.outdated,
        "delivered": pushed.delivered,
        "failed": pushed.failed,
        "given_up": pushed.given_up,
        "problem": problem,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{name}: {pushed.delivered:,} delivered, {pushed.failed:,} failed, {pushed.given_up:,} given up.")
        if done.retried.outdated:
            click.echo(
                f"{done.retried.outdated:,} stay given up: a later change of the same person was delivered, which "
                "they would undo."
            )
        if problem:
            click.echo(problem, err=True)
    sys.exit(1 if problem else 0)


@click.argument("name")
@JSON
def _test(name: str, as_json: bool) -> None:
    """Send one signed request of the type webhook.test, about nobody, and say what the receiver answered."""
    from orchestration.webhooks import trial
    from orchestration.webhooks.attempts import words
    from orchestration.webhooks.settings import load_webhooks, webhook_named

    webhook = webhook_named(load_webhooks(load_settings().home), name)
    answer = trial.send(webhook)
    if as_json:
        click.echo(json.dumps({"webhook": name, "status": answer.status, "error": words(answer) or None}))
    else:
        problem = words(answer)
        click.echo(f"{name} to {webhook.host}: " + (problem or f"answered {answer.status}, and took the request"))
    sys.exit(1 if words(answer) else 0)

"""`sincerely journey …`: which journeys there are, and how far people have come in each."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands import JSON, Command, warehouse_of
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table


def add_to(main: click.Group, command: Command) -> None:
    """Puts the group `journey` under the command line; `command` is how that makes its commands."""
    main.add_command(_journey)
    command("list", "sincerely journey list\nsincerely journey list --json", _journey)(_list)
    command("show", "sincerely journey show onboarding", _journey)(_show)


@click.group("journey")
def _journey() -> None:
    """See the multi-step journeys, and where the people in them stand."""


@JSON
def _list(as_json: bool) -> None:
    """Name each journey, how many entered it, are in it and reached its goal, and those that are held."""
    from orchestration.journeys.funnel import funnels
    from orchestration.journeys.linting import sound

    found, (_, held) = funnels(warehouse_of(load_settings())), sound()
    if as_json:
        return click.echo(json.dumps({"journeys": found, "held": held}))
    if found:
        _print(_overview(found))
    for sentence in held.values():
        click.echo(sentence)
    if not found and not held:
        click.echo("No journey is built yet; write a file into rendering/journeys/, then `sincerely run`.")


@click.argument("name")
@JSON
def _show(name: str, as_json: bool) -> None:
    """Show one journey's steps with how many entries each was sent to, skipped or lost, and why."""
    from orchestration.journeys.funnel import funnel_named
    from orchestration.journeys.picture import picture, words

    funnel = funnel_named(warehouse_of(load_settings()), name)
    if as_json:
        return click.echo(json.dumps(funnel))
    click.echo(f"{funnel['journey']}: {funnel['title']} ({funnel['reentry']})\n")
    click.echo(picture(funnel))
    click.echo()
    _print(_steps(funnel))
    if funnel["exits"]:
        click.echo(f"Ends: {words(funnel['exits'])}")


def _print(table: Table) -> None:
    from rich.console import Console

    Console(file=sys.stdout, soft_wrap=True).print(table)


def _overview(funnels: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("journey", no_wrap=True)
    table.add_column("what for")
    for column in ("entries", "in it", "messages", "reached the goal"):
        table.add_column(column, justify="right")
    for each in funnels:
        sent = sum(step["sent"] for step in each["steps"])
        goal = f"{each['goals']:,}" + (f" ({each['goals'] / each['entries']:.0%})" if each["entries"] else "")
        table.add_row(
            each["journey"], each["title"], f"{each['entries']:,}", f"{each['in_journey']:,}", f"{sent:,}", goal
        )
    return table


_COUNTS = ("sent", "skipped", "due", "waiting", "exited")


def _steps(funnel: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table()
    for column in ("step", "campaign"):
        table.add_column(column, overflow="fold")
    for column in ("sent", "skipped", "due", "waiting", "left before"):
        table.add_column(column, justify="right")
    for step in funnel["steps"]:
        table.add_row(step["step"], step["campaign"], *(f"{step[name]:,}" for name in _COUNTS))
    return table

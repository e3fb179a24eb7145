"""`sincerely segment new | list | show | explain`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from orchestration.commands import JSON, warehouse_of
from orchestration.settings import load_settings

_MARKS = {True: "[green]✓ holds[/]", False: "[red]✗ does not hold[/]", None: "[yellow]– no row left to ask[/]"}
_COLOURS = {"refreshed": "green", "not built yet": "yellow"}


def register(main: click.Group, command: Callable[..., Callable[[Callable[..., Any]], click.Command]]) -> None:
    """Adds the group to the command line, whose `command` guards and documents each of its commands."""

    @main.group("segment")
    def segment() -> None:
        """Make a segment, see who is in it, and why."""

    command(
        "new",
        'sincerely segment new sweet_tooth\nsincerely segment new sweet_tooth --owner ada --purpose "Candy offers."',
        segment,
    )(new)
    command("list", "sincerely segment list\nsincerely segment list --json", segment)(list_)
    command("show", "sincerely segment show at_risk\nsincerely segment show at_risk --sample 20", segment)(show)
    command(
        "explain",
        "sincerely segment explain at_risk person.1@example.com\n"
        "sincerely segment explain at_risk 0a13c1f5d9c7e9b6d7c54a3f2b1e0d9c",
        segment,
    )(explain)


@click.argument("name")
@click.option("--owner", help="Who answers for it; default you.")
@click.option("--purpose", help="What it is for, in a sentence.")
@JSON
def new(name: str, owner: str | None, purpose: str | None, as_json: bool) -> None:
    """Write a segment that works, with a test of its edges, to be changed into your own."""
    from orchestration.segments.definitions import shown
    from orchestration.segments.scaffold import create

    files = [shown(path) for path in create(name, owner, purpose)]
    if as_json:
        return click.echo(json.dumps({"segment": name, "files": files}))
    click.echo(f"{files[0]} has the query, {files[1]} says whose it is and tests it.")
    click.echo(f"Change both, `sincerely lint`, `sincerely run`; then `sincerely segment show {name}`.")


@JSON
def list_(as_json: bool) -> None:
    """List the segments: sizes, change since the last run, owners."""
    from orchestration.segments.overview import listed

    rows = listed(load_settings())
    if as_json:
        return click.echo(json.dumps(rows, default=str))
    table = Table("segment", "owner", "for mailing", "state", title_justify="left")
    table.add_column("people", justify="right")
    table.add_column("since the last run", justify="right")
    for row in rows:
        colour = _COLOURS.get(row["state"], "red")
        table.add_row(
            row["segment"],
            row["owner"] or "[red]nobody[/]",
            "yes" if row["is_for_mailing"] else "[yellow]no[/]",
            f"[{colour}]{row['state']}[/]",
            "" if row["people"] is None else f"{row['people']:,}",
            "" if row["people"] is None else _change(row["entered"], row["exited"]),
        )
    _console().print(table)
    for row in rows:
        if row["failure"]:
            _console().print(f"[red]problem[/] {row['failure']}", highlight=False)


@click.argument("name")
@click.option("--sample", default=5, show_default=True, type=click.IntRange(0), help="So many of its people.")
@JSON
def show(name: str, sample: int, as_json: bool) -> None:
    """Show a segment: some of its people, overlap with others, history of its size."""
    from orchestration.segments.definitions import definition
    from orchestration.segments.overview import described, sparkline

    facts = described(load_settings(), definition(name), sample)
    if as_json:
        return click.echo(json.dumps(facts, default=str))
    console = _console()
    table = Table(title=facts["segment"], show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    table.add_row("What it is for", facts["purpose"])
    table.add_row("Owner", facts["owner"])
    table.add_row("File", facts["file"])
    table.add_row("For mailing", "yes" if facts["is_for_mailing"] else "no, it is tagged not_for_mailing")
    table.add_row("Must be fresh within", f"{facts['freshness_hours']} hours")
    table.add_row("State", facts["state"] + (f", as of {facts['refreshed_at']}" if facts["refreshed_at"] else ""))
    if facts["people"] is not None:
        table.add_row(
            "People", f"{facts['people']:,} ({_change(facts['entered'], facts['exited'])} since the last run)"
        )
    if facts["history"]:
        first, last = facts["history"][0], facts["history"][-1]
        bars = sparkline(row["members_count"] for row in facts["history"])
        table.add_row("Its size over time", f"{bars}  {first['observed_at']} to {last['observed_at']}")
    console.print(table)
    if facts["failure"]:
        console.print(f"[red]problem[/] {facts['failure']}", highlight=False)
    if facts["history"]:
        _print(console, "The last builds", ["observed_at", "members_count", "entered_count", "exited_count"],
               facts["history"][-10:])  # fmt: skip
    if facts["overlap"]:
        rows = [{**row, "share": f"{row['share']:.0%}"} for row in facts["overlap"][:15]]
        _print(console, "Who is in it and in", ["segment", "people_count", "share"], rows)
    if facts["sample"]:
        _print(console, "Some of them, the newest first", ["person_id", "email", "lifecycle_stage", "member_since"],
               facts["sample"])  # fmt: skip


@click.argument("name")
@click.argument("person")
@JSON
def explain(name: str, person: str, as_json: bool) -> None:
    """Say which conditions of a segment hold for PERSON, an e-mail address or a person_id."""
    from orchestration.errors import SincerelyError
    from orchestration.segments import explaining
    from orchestration.segments.definitions import definition

    settings, segment = load_settings(), definition(name)
    warehouse = warehouse_of(settings)
    if not settings.warehouse.exists() or not warehouse.exists("core.segment_refreshes"):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    found = explaining.explain(settings, warehouse, segment, person)
    if as_json:
        return click.echo(json.dumps(found.facts(), default=str))
    console = _console()
    since = f"in {name} since {found.member_since}" if found.is_member else f"not in {name}"
    console.print(f"Person {found.person_id} is {since}, as of {found.built_at}.", highlight=False)
    if found.failure:
        console.print(f"[red]problem[/] {found.failure}", highlight=False)
    for number, branch in enumerate(found.branches, 1):
        if len(found.branches) > 1:
            console.print(f"Either way {number} of {len(found.branches)}:", highlight=False)
        for each in branch.conditions:
            _print_condition(console, each)
        if branch.unsplit:
            console.print(f"  [yellow]?[/] {_escaped(branch.unsplit)}", highlight=False)
    if found.unsplit:
        console.print(f"[yellow]?[/] {_escaped(found.unsplit)}", highlight=False)


def _print_condition(console: Console, condition: Any) -> None:
    rows = f", in {condition.rows_held} of {condition.rows_count} rows" if condition.rows_count > 1 else ""
    console.print(f"  {_MARKS[condition.holds]}  {_escaped(condition.text)}{rows}", highlight=False)
    if condition.compiled != condition.text and condition.kind != "table":
        console.print(f"      [dim]that is, {_escaped(condition.compiled)}[/]", highlight=False)
    for column, value in condition.values.items():
        console.print(f"      {_escaped(column)}: {_escaped(value)}", highlight=False)


def _print(console: Console, title: str, columns: list[str], rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        is_number = all(isinstance(row[column], int | float) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if is_number else "left")
    for row in rows:
        values = (row[column] for column in columns)
        table.add_row(*("" if v is None else f"{v:,}" if isinstance(v, int) else _escaped(str(v)) for v in values))
    console.print(table)


def _change(entered: int, exited: int) -> str:
    return f"+{entered:,} −{exited:,}" if entered or exited else "as before"


def _console() -> Console:
    return Console(file=sys.stdout, soft_wrap=True)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)

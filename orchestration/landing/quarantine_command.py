"""`sincerely quarantine …`: the rows that cannot be used, why, and landing them again."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console

from orchestration.commands import JSON, Command, warehouse_of
from orchestration.settings import load_settings


def add_to(main: click.Group, command: Command) -> None:
    """Puts the group `quarantine` under the command line; `command` is how that makes its commands."""
    main.add_command(_quarantine)
    command("list", "sincerely quarantine list\nsincerely quarantine list crm/contacts", _quarantine)(_list)
    command("show", "sincerely quarantine show crm/contacts/contacts.csv --row 12", _quarantine)(_show)
    command("retry", "sincerely quarantine retry\nsincerely quarantine retry crm/contacts/contacts.csv", _quarantine)(
        _retry
    )


@click.group("quarantine")
def _quarantine() -> None:
    """See the rows that cannot be used and why, and land them again once their files are corrected."""


@click.argument("where", required=False)
@JSON
def _list(where: str | None, as_json: bool) -> None:
    """Name each file with rows in quarantine, the reasons, and how many rows have each."""
    from orchestration.landing.quarantine import reasons

    found = reasons(warehouse_of(load_settings()), where)
    if as_json:
        return click.echo(json.dumps(found, default=str))
    for row in found:
        click.echo(f"{row['file']}: {row['rows_count']:,} rows, the first is row {row['first_row']}: {row['reason']}")
    click.echo(
        "`sincerely quarantine show FILE` shows the rows; correct the file, then `sincerely quarantine retry`."
        if found
        else "Nothing is in quarantine."
    )


@click.argument("file")
@click.option("--row", "row_number", type=int, help="Only this row, counted from 1 after the header.")
@click.option("--limit", default=20, show_default=True, help="At most so many rows.")
@JSON
def _show(file: str, row_number: int | None, limit: int, as_json: bool) -> None:
    """Show a file's rows in quarantine, whole, each with its reason."""
    from orchestration.landing.quarantine import rows

    found = rows(warehouse_of(load_settings()), file, row_number, limit)
    if as_json:
        return click.echo(json.dumps(found, default=str))
    for row in found:
        click.echo(f"{row['file']} row {row['row_number']}: {row['reason']}\n  {row['row_json']}")


@click.argument("files", nargs=-1)
@JSON
def _retry(files: tuple[str, ...], as_json: bool) -> None:
    """Land corrected files again, and say which of their rows are good now."""
    from orchestration import run as runner
    from orchestration.landing import quarantine as rows_of

    settings = load_settings()
    warehouse = warehouse_of(settings)
    before = rows_of.retries(settings, warehouse, files)
    problems: list[str] = []
    if any(each.is_corrected for each in before):
        console = Console(file=sys.__stderr__) if as_json else Console(file=sys.__stdout__, soft_wrap=True)
        outcome = runner.run(settings, console, upstream_of=["quality/quarantine", "quality/load_reconciliation"])
        problems = outcome.problems
    after = {each.file: each.rows_count for each in rows_of.retries(settings, warehouse)}
    facts = [
        {
            "file": each.file,
            "is_corrected": each.is_corrected,
            "rows_before": each.rows_count,
            "rows_now": after.get(each.file, 0),
        }
        for each in before
    ]
    if as_json:
        click.echo(json.dumps(facts))
    for fact in [] if as_json else facts:
        if fact["is_corrected"]:
            click.echo(
                f"{fact['file']}: {fact['rows_before']:,} rows were in quarantine, {fact['rows_now']:,} are now."
            )
        else:
            click.echo(
                f"{fact['file']} is as it was landed, with {fact['rows_before']:,} rows in quarantine: correct it."
            )
    if not facts and not as_json:
        click.echo("Nothing is in quarantine.")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems or any(after.values()) else 0)

"""`sincerely model list | show | promote | release | rollback`: which version of a model is in use, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands import JSON, Command
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from ml.champions import Move

# Of a model's many figures, the ones that a line has place for.
_SHOWN = ("average_precision", "roc_auc", "orders_mae", "recall_at_10_all")


def add_to(main: click.Group, command: Command) -> None:
    """Puts the group `model` under the command line; `command` is how that makes its commands."""
    main.add_command(_model)
    command("list", "sincerely model list\nsincerely model list churn --json", _model)(_list)
    command("show", "sincerely model show churn\nsincerely model show churn 2018-01-01-0a13c1f5d9", _model)(_show)
    command(
        "promote",
        "sincerely model promote churn 2018-01-01-0a13c1f5d9\n"
        'sincerely model promote churn 2018-01-01-0a13c1f5d9 --reason "As in the plan of March."',
        _model,
    )(_promote)
    command("release", "sincerely model release churn", _model)(_release)
    command("rollback", "sincerely model rollback churn", _model)(_rollback)


@click.group("model")
def _model() -> None:
    """See the versions of the models, and say which one is in use."""


@click.argument("name", required=False)
@JSON
def _list(name: str | None, as_json: bool) -> None:
    """List the versions, with their figures on held-out time and which of them is in use."""
    from orchestration.models import present

    rows = present.listed(load_settings().models, name)
    if as_json:
        return click.echo(json.dumps(rows))
    if not rows:
        return click.echo(f"No version{f' of {name}' if name else ''} is stored yet; `sincerely run` trains them.")
    from rich.table import Table

    table = Table()
    for column in ("model", "version", "in use", "method", "on held-out time"):
        table.add_column(column, overflow="fold", no_wrap=column in ("model", "version"))
    for row in rows:
        in_use = "pinned" if row["is_pinned"] else "champion" if row["is_champion"] else ""
        table.add_row(row["model"], row["version"], in_use, row["method"], row["problem"] or _figures(row))
    _print(table)


@click.argument("name")
@click.argument("version", required=False)
@JSON
def _show(name: str, version: str | None, as_json: bool) -> None:
    """Show one version (by default the one in use): what made it, how good it was, what was decided about it."""
    from orchestration.models import present

    facts = present.described(load_settings().models, name, version)
    if as_json:
        return click.echo(json.dumps(facts))
    from rich.table import Table

    about = Table(show_header=False, title=f"{name} {facts['version']}", title_justify="left")
    about.add_column(style="bold", no_wrap=True)
    about.add_column(overflow="fold")
    for label, value in present.about(facts):
        about.add_row(label, value)
    _print(about)
    figures = Table(title="On held-out time", title_justify="left")
    for column in ("part", "metric", "value", "middle 95 %", "baseline"):
        figures.add_column(column, justify="left" if column in ("part", "metric") else "right")
    for row in present.figures(facts):
        figures.add_row(*row)
    _print(figures)
    for each in facts["decisions"]:
        click.echo(f"{each['decided_at']}  {each['version']} {each['decision']}: {each['reason']}.")
    for each in facts["history"]:
        click.echo(f"{each['at'] or 'once'}  {each['action']} of {each['version']}: {each['reason'] or 'no reason'}.")


@click.argument("name")
@click.argument("version")
@click.option("--reason", default="chosen by a person", show_default=True, help="Why, for those who look later.")
@JSON
def _promote(name: str, version: str, reason: str, as_json: bool) -> None:
    """Put a version in use and pin it: it scores from the next run on, until released or rolled back."""
    from ml import champions

    folder = load_settings().models
    _guarded(
        lambda: champions.promote(folder, name, version, at=_now(), reason=reason, is_pinned=True),
        f"{name}: {version} is in use and pinned; it scores from the next run on, until `sincerely model release "
        f"{name}` or `sincerely model rollback {name}`.",
        as_json,
    )


@click.argument("name")
@JSON
def _release(name: str, as_json: bool) -> None:
    """Let training replace a pinned version again."""
    from ml import champions

    folder = load_settings().models
    _guarded(
        lambda: champions.release(folder, name, at=_now()),
        f"{name}: the next training decides which version is in use.",
        as_json,
    )


@click.argument("name")
@JSON
def _rollback(name: str, as_json: bool) -> None:
    """Put the version before this one in use again; it scores from the next run on."""
    from ml import champions

    folder = load_settings().models
    _guarded(
        lambda: champions.rollback(folder, name, at=_now()),
        f"{name}: the version before is in use again; `sincerely model show {name}` shows it.",
        as_json,
    )


def _guarded(move: Callable[[], Move], words: str, as_json: bool) -> None:
    """The home's lock is held: no training decides meanwhile."""
    from orchestration.locks import exclusive

    with exclusive(load_settings().home / "run.lock", wait_seconds=0):
        moved = _ours(move)
    if as_json:
        return click.echo(json.dumps(asdict(moved)))
    click.echo(f"{words}{' It is pinned.' if moved.is_pinned and moved.action == 'rollback' else ''}")


def _ours(move: Callable[[], Move]) -> Move:
    from ml.errors import ModelError
    from orchestration.errors import ModelStoreError

    try:
        return move()
    except ModelError as error:
        raise ModelStoreError(str(error)) from error


def _now() -> datetime:
    """A person's choice is of the day on which it was made, whatever the home's as_of."""
    return datetime.now(UTC)


def _figures(row: dict[str, Any]) -> str:
    figures: dict[str, Any] = row["metrics"].get(row["model"]) or next(iter(row["metrics"].values()), {})
    shown = [name for name in _SHOWN if figures.get(name, {}).get("value") is not None]
    return ", ".join(f"{name.replace('_', ' ')} {figures[name]['value']:.3f}" for name in shown) or "not measured"


def _print(table: Any) -> None:
    from rich.console import Console

    Console(file=sys.stdout, soft_wrap=True).print(table)

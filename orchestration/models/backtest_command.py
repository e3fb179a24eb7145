"""`sincerely backtest churn --from … --to … --every 30d`: how good the model would have been over time."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from orchestration.commands import JSON
from orchestration.settings import load_settings, parse_instant

Command = Callable[..., Callable[[Callable[..., Any]], click.Command]]
_EVERY = re.compile(r"([1-9][0-9]{0,3})d")
_COLUMNS = (
    ("cutoff", "cutoff"), ("rows", "rows_count"), ("churned", "churned_share"), ("ROC AUC", "roc_auc"),
    ("average precision", "average_precision"), ("Brier", "brier"), ("ECE", "expected_calibration_error"),
    ("method", "method"),
)  # fmt: skip


def add_to(main: click.Group, command: Command) -> None:
    """Puts `backtest` under the command line; `command` is how that makes its commands."""
    command(
        "backtest",
        "sincerely backtest churn --from 2017-08-01 --to 2017-12-01\n"
        "sincerely backtest churn --from 2017-08-01 --to 2017-12-01 --every 14d --json",
    )(_backtest)


@click.argument("name", type=click.Choice(["churn"]))
@click.option("--from", "first", required=True, metavar="TIME", help="The first instant to be tested on, ISO 8601.")
@click.option("--to", "last", required=True, metavar="TIME", help="The last; its horizon has to be over.")
@click.option("--every", default="30d", show_default=True, metavar="DAYS", help="The step, in days.")
@JSON
def _backtest(name: str, first: str, last: str, every: str, as_json: bool) -> None:
    """Train a model at past instants on what lay before each, and show how good it then was.

    In brackets is what the days since the last order alone would have given. Nothing in the home changes.
    """
    from rich.console import Console
    from rich.progress import track

    from orchestration.models import backtest

    step = _EVERY.fullmatch(every)
    if step is None:
        raise click.BadParameter(f"'{every}' is no number of days; write it like 30d.", param_hint="--every")
    at = backtest.cutoffs(
        parse_instant(first, "--from"), parse_instant(last, "--to"), timedelta(days=int(step.group(1)))
    )
    settings, progress = load_settings(), Console(file=sys.__stderr__)
    rows: list[dict[str, Any]] = []
    for table in track(
        backtest.backtests(settings, at), f"backtest of {name}", total=len(at), console=progress, transient=True
    ):
        rows += table.to_pylist()
    if as_json:
        return click.echo(json.dumps(rows, default=str))
    _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for title, _ in _COLUMNS:
        table.add_column(title, justify="left" if title in ("cutoff", "method") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(_shown(row, name) for _, name in _COLUMNS))
    Console(file=sys.stdout, width=120).print(table)


def _shown(row: dict[str, Any], name: str) -> str:
    value, baseline = row[name], row.get(f"baseline_{name}")
    if value is None:
        return "not measured"
    if name == "churned_share":
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:.4f}" + (f" ({baseline:.4f})" if baseline is not None else "")
    return f"{value:,}" if isinstance(value, int) else f"{value:%Y-%m-%d}" if name == "cutoff" else str(value)

"""What a person sees while the main job runs: each step with its rows and seconds, as it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_DBT_STEP = "dbt_models"


class StepDisplay:
    """Turns Dagster's events into lines: one a step, and for a dbt step one a table under it."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._task = progress.add_task("starting", total=None)
        self._started: dict[str, float] = {}
        self._rows: dict[str, list[tuple[str, int | None]]] = {}
        self.step_seconds: dict[str, float] = {}
        self.step_rows: dict[str, int] = {}

    def on_event(self, entry: Any) -> None:
        """Called by Dagster with each log entry of the run."""
        event = entry.dagster_event
        if event is None:
            if entry.user_message.startswith(("built ", "landing ")):
                self._progress.update(self._task, description=entry.user_message)
            return
        kind, step = event.event_type_value, _plain(event.step_key or "")
        if kind == "STEP_START":
            self._started[step] = time.perf_counter()
            self._progress.update(self._task, description=step)
        elif kind == "ASSET_MATERIALIZATION":
            metadata = event.materialization.metadata
            rows = metadata.get("dagster/row_count")
            name = ".".join(event.asset_key.path)
            self._rows.setdefault(step, []).append((name, rows.value if rows else None))
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE"):
            self._finish(step, failed=kind == "STEP_FAILURE")

    def _finish(self, step: str, failed: bool) -> None:
        seconds = time.perf_counter() - self._started.pop(step, time.perf_counter())
        tables = self._rows.pop(step, [])
        rows = sum(count or 0 for _, count in tables)
        self.step_seconds[step] = seconds
        self.step_rows[step] = rows
        mark = "[red]✗[/]" if failed else "[green]✓[/]"
        label = step
        if step.startswith(_DBT_STEP):
            schemas = sorted({name.partition(".")[0] for name, _ in tables})
            label = f"dbt: {len(tables)} tables of {', '.join(schemas)}"
        self._console.print(f"{mark} {label:<46} {rows:>12,} rows {seconds:>7.1f} s", highlight=False)


@contextmanager
def step_display(console: Console) -> Iterator[StepDisplay]:
    """Shows a spinner with the step under way on a terminal, and finished steps as lines anywhere."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield StepDisplay(console, progress)


def _plain(step: str) -> str:
    """`raw__crm_contacts` as people know it: raw.crm_contacts."""
    return step.replace("__", ".", 1)

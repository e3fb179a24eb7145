"""How long builds take as people grow: all of it, an hour's news, and what a trigger asks for.

python -m tests.bench.refreshing 1000000
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration import dbt
from orchestration.parts import PARTS
from orchestration.segments.observing import observe
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.bench import population
from tests.building import land, prepare

SIZES = (500_000, 1_000_000)
# What the job `people` builds before it sends; seeds are in no folder of models.
_PEOPLE = tuple(
    f"path:models/{group}" for group in PARTS["refresh"] if group not in ("landing", "campaigns", "delivery")
)
_MEMORY_LIMIT = "7GB"


@dataclass(frozen=True)
class Refresh:
    """One build: `kind` is full, first hour, hour or trigger; `rows` landed for it."""

    kind: str
    people: int
    rows: int
    seconds: float
    peak_gib: float


def measure(
    sizes: tuple[int, ...] = SIZES,
    tell: Callable[[Refresh], None] = lambda _: None,
    afterwards: Callable[[Settings], None] = lambda _: None,
) -> list[Refresh]:
    """Four builds for each number of people; `tell` hears of each size, `afterwards` gets its home."""
    found: list[Refresh] = []
    for people in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for each in _refreshes(Path(folder), people):
                found.append(each)
                tell(each)
            afterwards(load_settings(_environ(Path(folder))))
    return found


def _environ(home: Path) -> dict[str, str]:
    return {"SINCERELY_HOME": str(home), "SINCERELY_MEMORY_LIMIT": _MEMORY_LIMIT}


def _refreshes(home: Path, people: int) -> list[Refresh]:
    settings = load_settings(_environ(home))
    dbt.manifest(settings)  # parsing does not grow with the data, and is done once
    population.write(settings.landing, people)
    full = _timed(settings, "full", people, population.END)
    # In the first hour all that the full build saw of the segments has just been noted: the second is like all others.
    end = population.write_hour(settings.landing, people, 0)
    first = _timed(settings, "first hour", people, end, "--select", *_PEOPLE)
    end = population.write_hour(settings.landing, people, 1)
    hour = _timed(settings, "hour", people, end, "--select", *_PEOPLE)
    end += timedelta(minutes=5)
    population.write_triggers(settings.landing, 100, end)
    return [full, first, hour, _timed(settings, "trigger", people, end, "--select", *_PEOPLE)]


def _timed(settings: Settings, kind: str, people: int, as_of: datetime, *arguments: str) -> Refresh:
    loads = land(settings, datetime.now(UTC))
    prepare(settings, as_of)
    is_in_haste, is_partial = kind != "full", kind == "trigger"
    command = [
        dbt.executable(), "--quiet", *dbt.build_command(is_in_haste=is_in_haste, is_partial=is_partial), *arguments,
        "--project-dir", str(dbt.DBT_PROJECT),
        "--target-path", str(dbt.target_path(settings)),
        "--vars", dbt.variables(as_of, is_in_haste=is_in_haste, is_partial=is_partial),
    ]  # fmt: skip
    words, environ = settings.home / f"{kind.replace(' ', '-')}.log", dbt.build_environment(settings)
    with words.open("w") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(words.read_text()[-4000:])
        # A part of the build, as the job does it: the next one starts from what this one saw.
        observe(Warehouse(settings.warehouse, settings.memory_limit), as_of.replace(tzinfo=UTC))
        seconds = time.perf_counter() - started
    rows = sum(load.rows_received for load in loads if load.status == "landed")
    return Refresh(kind, people, rows, seconds, usage.ru_maxrss / 2**20)


def told(each: Refresh) -> str:
    """The line that a person reads."""
    return (
        f"{each.kind + ' refresh':<16} {each.people:>10,} people {each.rows:>12,} rows landed "
        f"{each.seconds:>8.1f} s {each.peak_gib:>6.2f} GiB"
    )


def ratios(found: list[Refresh]) -> list[str]:
    """Against the size before, and against the full build of the same size."""
    lines = []
    for each in found:
        full = next(other for other in found if other.people == each.people and other.kind == "full")
        smaller = [other for other in found if other.kind == each.kind and other.people < each.people]
        if each.kind != "full":
            lines.append(
                f"{each.kind} refresh of {each.people:,} people: {each.seconds / full.seconds:.3f} of a full one"
            )
        if smaller:
            lines.append(
                f"{each.kind} refresh: {each.people / smaller[-1].people:.1f} times the people, "
                f"{each.seconds / smaller[-1].seconds:.2f} times the time"
            )
    return lines


if __name__ == "__main__":
    everything = measure(tuple(int(size) for size in sys.argv[1:]) or SIZES, lambda each: print(told(each), flush=True))
    print("\n".join(ratios(everything)))

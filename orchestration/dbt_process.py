"""dbt's own command line, without parsing the project once more: `sincerely-dbt …` takes what `dbt …` takes.

A new `as_of` is a new variable, and dbt would parse everything again for it, though no model's place in the graph hangs
on it. With SINCERELY_MANIFEST set to the file of an up-to-date parse (partial_parse.msgpack), that is loaded instead.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from orchestration import dbt_manifest, dbt_once, dbt_records
from orchestration.garbage import uncollected

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult


def main() -> None:
    """Ends with dbt's exit status: 0 held, 1 failed, 2 not run."""
    if sys.argv[1:] == ["--version"]:
        # Dagster asks before every build; dbt's own answer takes seconds, for it looks on the network for a newer one.
        sys.stdout.write(f"Core:\n  - installed: {version('dbt-core')}\n")
        return
    gc.disable()  # for good: a last look at all that was made takes as long as the last models
    result = invoke(sys.argv[1:])
    if result.exception is not None:
        sys.stderr.write(f"{result.exception}\n")
    _end(2 if result.exception is not None else 0 if result.success else 1)


def _end(status: int) -> NoReturn:
    """Ends the process as it is: for Python to take a manifest apart, object by object, takes half a second."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def invoke(arguments: list[str]) -> dbtRunnerResult:
    """Runs dbt in this process, which may do so many times, one after another."""
    with uncollected():
        dbt_records.prepare()
        from dbt.cli.main import dbtRunner

        dbt_once.apply()
        parsed = Path(os.environ.get("SINCERELY_MANIFEST") or "nothing parsed")
        try:
            if not parsed.exists():
                return dbtRunner().invoke(arguments)
            with _no_second_look(), dbt_once.remembered(parsed.with_name("remembered"), arguments):
                return dbtRunner(manifest=dbt_manifest.load(parsed)).invoke(arguments)
        finally:
            _close_the_warehouse()


@contextmanager
def _no_second_look() -> Iterator[None]:
    """dbt would write down the manifest that it was given, and make schemas to check what the parse has checked."""
    from dbt.task import runnable
    from dbt_common.dataclass_schema import dbtClassMixin

    write, validate = runnable.write_manifest, dbtClassMixin.__dict__["validate"]
    runnable.write_manifest = lambda *_: None
    dbtClassMixin.validate = classmethod(lambda *_: None)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        runnable.write_manifest, dbtClassMixin.validate = write, validate  # type: ignore[method-assign]


def _close_the_warehouse() -> None:
    """dbt leaves the file open until its process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


if __name__ == "__main__":
    main()

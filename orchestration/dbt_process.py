"""dbt's own command line, without parsing the project once more: `sincerely-dbt …` takes what `dbt …` takes.

A new `as_of` is a new variable, and dbt would parse everything again for it, though no model's place in the graph hangs
on it. With SINCERELY_MANIFEST set to the file of an up-to-date parse (partial_parse.msgpack), that is loaded instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.garbage import uncollected

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest


def main() -> None:
    """Ends with dbt's exit status: 0 held, 1 failed, 2 not run."""
    if sys.argv[1:] == ["--version"]:
        # Dagster asks before every build; dbt's own answer takes seconds, for it looks on the network for a newer one.
        sys.stdout.write(f"Core:\n  - installed: {version('dbt-core')}\n")
        return
    result = invoke(sys.argv[1:])
    if result.exception is not None:
        sys.stderr.write(f"{result.exception}\n")
        sys.exit(2)
    sys.exit(0 if result.success else 1)


def invoke(arguments: list[str]) -> dbtRunnerResult:
    """Runs dbt in this process, which may do so many times, one after another."""
    with uncollected():
        from dbt.cli.main import dbtRunner

        _tell_only_who_listens()
        _select_once()
        parsed = Path(os.environ.get("SINCERELY_MANIFEST") or "nothing parsed")
        try:
            if not parsed.exists():
                return dbtRunner().invoke(arguments)
            with _no_second_look():
                return dbtRunner(manifest=_loaded(parsed)).invoke(arguments)
        finally:
            _close_the_warehouse()


def _loaded(parsed: Path) -> Manifest:
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack(parsed.read_bytes())
    manifest.build_flat_graph()
    return manifest


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


@cache
def _select_once() -> None:
    """A build asks three times in a row which nodes are selected, and finds out anew: a second each where a run of
    Dagster names two hundred of them."""
    from dbt.graph.selector import NodeSelector

    select = NodeSelector.select_nodes
    last: dict[str, Any] = {}

    def select_nodes(self: NodeSelector, spec: Any, warn_on_no_nodes: bool = True) -> tuple[set[str], set[str]]:
        if last.get("of") != (self.full_graph, spec):
            # The third time it would warn of what names nothing.
            last.update(of=(self.full_graph, spec), found=select(self, spec, warn_on_no_nodes=True))
        nodes, indirect = last["found"]
        return set(nodes), set(indirect)

    NodeSelector.select_nodes = select_nodes  # type: ignore[method-assign, assignment]


@cache
def _tell_only_who_listens() -> None:
    """dbt words each of the many events of a node at level `debug`, and only then sees that no log takes them."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    tell = EventManager.fire_event

    def fire_event(self: EventManager, e: Any, level: Any = None, *arguments: Any, **named: Any) -> None:
        is_detail = (level or e.level_tag()) == EventLevel.DEBUG
        if not is_detail or any(logger.level == EventLevel.DEBUG for logger in self.loggers):
            tell(self, e, level, *arguments, **named)

    EventManager.fire_event = fire_event  # type: ignore[method-assign]
    make, found = BaseEvent.__init__, BaseEvent.__getattr__

    def keep(self: BaseEvent, *arguments: Any, **named: Any) -> None:
        self.__dict__["given"] = arguments, named

    def read(self: BaseEvent, name: str) -> Any:
        if "given" not in self.__dict__:
            return found(self, name)
        arguments, named = self.__dict__.pop("given")
        make(self, *arguments, **named)
        return getattr(self, name)

    # An event becomes a message of its kind when something of it is read.
    BaseEvent.__init__, BaseEvent.__getattr__ = keep, read  # type: ignore[method-assign]


if __name__ == "__main__":
    main()

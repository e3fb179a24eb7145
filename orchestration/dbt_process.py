"""dbt's own command line, without parsing the project once more: `sincerely-dbt …` takes what `dbt …` takes.

A new `as_of` is a new variable, and dbt would parse everything again for it, though no model's place in the graph hangs
on it. With SINCERELY_MANIFEST set to the file of an up-to-date parse (partial_parse.msgpack), that is loaded instead.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main() -> None:
    """Ends with dbt's exit status: 0 held, 1 failed, 2 not run."""
    if sys.argv[1:] == ["--version"]:
        # Dagster asks before every build; dbt's own answer takes seconds, for it looks on the network for a newer one.
        sys.stdout.write(f"Core:\n  - installed: {version('dbt-core')}\n")
        return
    from dbt.cli.main import dbtRunner

    _tell_only_who_listens()
    parsed = os.environ.get("SINCERELY_MANIFEST")
    manifest = None
    if parsed and Path(parsed).exists():
        from dbt.contracts.graph.manifest import Manifest
        from dbt.task import runnable
        from dbt_common.dataclass_schema import dbtClassMixin

        manifest = Manifest.from_msgpack(Path(parsed).read_bytes())
        manifest.build_flat_graph()
        # It would write down what it was given, and make schemas to check once more what the parse has checked.
        runnable.write_manifest = lambda *_: None
        dbtClassMixin.validate = classmethod(lambda *_: None)  # type: ignore[method-assign, assignment]
    result = dbtRunner(manifest=manifest).invoke(sys.argv[1:])
    if result.exception is not None:
        sys.stderr.write(f"{result.exception}\n")
        sys.exit(2)
    sys.exit(0 if result.success else 1)


def _tell_only_who_listens() -> None:
    """dbt words each of the many events of a node at level `debug`, and only then sees that no log takes them."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager

    tell = EventManager.fire_event

    def fire_event(self: EventManager, e: Any, level: Any = None, *arguments: Any, **named: Any) -> None:
        is_detail = (level or e.level_tag()) == EventLevel.DEBUG
        if not is_detail or any(logger.level == EventLevel.DEBUG for logger in self.loggers):
            tell(self, e, level, *arguments, **named)

    EventManager.fire_event = fire_event  # type: ignore[method-assign]


if __name__ == "__main__":
    main()

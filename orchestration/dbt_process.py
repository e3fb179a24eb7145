"""dbt's own command line, without parsing the project once more: `sincerely-dbt …` takes what `dbt …` takes.

A new `as_of` is a new variable, and dbt would parse everything again for it, though no model's place in the graph hangs
on it. With SINCERELY_MANIFEST set to the file of an up-to-date parse (partial_parse.msgpack), that is loaded instead.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path


def main() -> None:
    """Ends with dbt's exit status: 0 held, 1 failed, 2 not run."""
    if sys.argv[1:] == ["--version"]:
        # Dagster asks before every build; dbt's own answer takes seconds, for it looks on the network for a newer one.
        sys.stdout.write(f"Core:\n  - installed: {version('dbt-core')}\n")
        return
    from dbt.cli.main import dbtRunner

    parsed = os.environ.get("SINCERELY_MANIFEST")
    manifest = None
    if parsed and Path(parsed).exists():
        from dbt.contracts.graph.manifest import Manifest

        manifest = Manifest.from_msgpack(Path(parsed).read_bytes())
        manifest.build_flat_graph()
    result = dbtRunner(manifest=manifest).invoke(sys.argv[1:])
    if result.exception is not None:
        sys.stderr.write(f"{result.exception}\n")
        sys.exit(2)
    sys.exit(0 if result.success else 1)


if __name__ == "__main__":
    main()

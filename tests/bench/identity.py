"""How long identifiers take to become people, as they grow: edges to components, by the project's own models."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration import dbt
from orchestration.settings import load_settings

_IDENTIFIERS = 1_000_000
# Pairs at random over most identifiers make people of every size; then a chain of a thousand and a star of a hundred
# thousand, at the end of the numbers.
_EDGES = """
    create table core.identity_edges as
    select
        node, neighbour,
        timestamp '2017-01-01' + to_seconds(cast(hash(node, neighbour) % 31536000 as bigint)) as linked_at
    from (
        select
            cast(hash(i, 1) % ({n} - 101001) as bigint) + 1 as node,
            cast(hash(i, 2) % ({n} - 101001) as bigint) + 1 as neighbour
        from range({m} - 101000) as random_pairs (i)
        union all
        select {n} - 101000 + i, {n} - 101000 + i + 1 from range(1000) as chain (i)
        union all
        select {n} - 100000, {n} - 99999 + i from range(100000) as star (i)
    ) as edges
"""


@dataclass(frozen=True)
class Identity:
    """What a graph of that size came to."""

    identifiers: int
    edges: int
    people: int
    seconds: float
    peak_gib: float


def measure(sizes: tuple[int, ...] = (1, 10)) -> list[Identity]:
    """Each size in millions of identifiers, with eight tenths as many edges."""
    return [_solve(size * _IDENTIFIERS) for size in sizes]


def _solve(identifiers: int) -> Identity:
    edges = identifiers * 8 // 10
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"SINCERELY_HOME": folder, "SINCERELY_MEMORY_LIMIT": "5GB"})
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute("create schema core")
            connection.execute(_EDGES.format(n=identifiers, m=edges))
        command = [
            dbt.executable(), "run", "--select", "identity_components", "--project-dir", str(dbt.DBT_PROJECT),
            "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(datetime(2018, 1, 1)),
        ]  # fmt: skip
        environ = {**os.environ, **dbt.environment(settings)}
        # Parsing the project does not grow with the data: it is done before the clock starts.
        parse = [command[0], "parse", *command[4:]]
        subprocess.run(parse, env=environ, check=True, capture_output=True)
        started = time.perf_counter()
        subprocess.run(command, env=environ, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            ((people,),) = connection.execute(
                "select count(distinct component) from core.identity_components"
            ).fetchall()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return Identity(identifiers, edges, int(people), seconds, peak)


if __name__ == "__main__":
    for found in measure(tuple(int(size) for size in sys.argv[1:]) or (1, 10)):
        print(
            f"{found.identifiers:>12,} identifiers {found.edges:>12,} edges {found.people:>12,} people "
            f"{found.seconds:>8.1f} s {found.peak_gib:>6.2f} GiB"
        )

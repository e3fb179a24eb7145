"""Connected components and the history of merges, on graphs of every shape, against a plain reference."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration import dbt
from tests.building import run_dbt

Edge = tuple[int, int, int]  # node, neighbour, time

_PROJECT = """
name: graphs
profile: graphs
model-paths: [models]
macro-paths: [{macros}]
flags: {{send_anonymous_usage_stats: false}}
"""
_PROFILE = """
graphs:
    target: here
    outputs:
        here: {type: duckdb, path: "{{ env_var('GRAPHS') }}", schema: main, threads: 1}
"""
_MODEL = "{{{{ config(materialized='{kind}') }}}} select node, neighbour, linked_at from main.given_edges"


class Graphs:
    """A dbt project of two models, one for each of the materializations, over a table of edges."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._warehouse = folder / "graphs.duckdb"
        (folder / "models").mkdir()
        macros = dbt.DBT_PROJECT / "macros"
        (folder / "dbt_project.yml").write_text(_PROJECT.format(macros=macros))
        (folder / "profiles.yml").write_text(_PROFILE)
        (folder / "models" / "components.sql").write_text(_MODEL.format(kind="connected_components"))
        (folder / "models" / "absorptions.sql").write_text(_MODEL.format(kind="elder_rule"))

    def solve(self, edges: Iterable[Edge]) -> tuple[dict[int, int], dict[int, int]]:
        """Each node's component, and when each absorbed node was."""
        rows = list(edges)
        columns = [pa.array(column, pa.int64()) for column in (zip(*rows, strict=True) if rows else ([], [], []))]
        given_rows = pa.table(columns, names=["node", "neighbour", "linked_at"])
        with duckdb.connect(str(self._warehouse)) as connection:
            connection.register("given_rows", given_rows)
            connection.execute("create or replace table given_edges as select * from given_rows")
        folder = str(self._folder)
        run_dbt(
            ["run", "--project-dir", folder, "--profiles-dir", folder],
            {"GRAPHS": str(self._warehouse), "DBT_LOG_PATH": str(self._folder / "logs")},
        )
        with duckdb.connect(str(self._warehouse), read_only=True) as connection:
            components = dict(connection.execute("select node, component from components").fetchall())
            absorptions = dict(connection.execute("select node, absorbed_at from absorptions").fetchall())
        return components, absorptions


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    return Graphs(tmp_path_factory.mktemp("graphs"))


def reference(edges: Iterable[Edge]) -> tuple[dict[int, int], dict[int, int]]:
    """Union-find over the edges in the order of their times: the older root survives."""
    parent: dict[int, int] = {}
    absorbed: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for node, neighbour, time in sorted(edges, key=lambda edge: edge[2]):
        if node == neighbour:
            continue
        older, younger = sorted((root(node), root(neighbour)))
        if older != younger:
            parent[younger] = older
            absorbed[younger] = time
    return {node: root(node) for node in list(parent)}, absorbed


def edges_of_a_graph(nodes: int) -> st.SearchStrategy[list[Edge]]:
    node = st.integers(0, nodes - 1)
    return st.lists(st.tuples(node, node, st.integers(0, 6)), max_size=2 * nodes)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 30).flatmap(edges_of_a_graph), min_size=40, max_size=120))
def test_any_graph_ends_in_its_components_and_in_the_merges_that_happened(
    graphs: Graphs, many: list[list[Edge]]
) -> None:
    edges = [(100 * n + a, 100 * n + b, time) for n, graph in enumerate(many) for a, b, time in graph]
    assert graphs.solve(edges) == reference(edges)


# Shapes that break naive rounds, each in a range of nodes of its own. Times that fall along a chain of ages are the
# worst case for the history of merges, which takes a round for each of them then.
SHAPES: dict[str, list[Edge]] = {
    "chain, seen in order": [(n, n + 1, n) for n in range(1000)],
    "chain, seen in any order": [(2000 + n, 2001 + n, n * 7919 % 1000) for n in range(1000)],
    "chain, seen from its end": [(4000 + n, 4001 + n, 100 - n) for n in range(100)],
    "star": [(10_000 + n, 10_000, n % 97) for n in range(1, 100_001)],
}


@pytest.fixture(scope="module")
def solved(graphs: Graphs) -> tuple[dict[int, int], dict[int, int]]:
    return graphs.solve([edge for edges in SHAPES.values() for edge in edges])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_chain_of_a_thousand_and_a_star_of_a_hundred_thousand_links_are_one_person_each(
    solved: tuple[dict[int, int], dict[int, int]], shape: str
) -> None:
    components, absorbed = reference(SHAPES[shape])
    assert len(set(components.values())) == 1
    assert {node: solved[0][node] for node in components} == components
    assert {node: solved[1][node] for node in absorbed} == absorbed


def test_no_edge_is_no_component(graphs: Graphs) -> None:
    assert graphs.solve([]) == ({}, {})

"""Two homes' derived tables, row for row."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from orchestration import dbt
from orchestration.settings import Settings


def differing_tables(one: Path, other: Path, tables: list[str]) -> dict[str, tuple[int, int]]:
    """The tables whose rows are not the same: how many only `one` has, and only `other`; bookkeeping apart."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        for table in tables:
            relation = connection.table(f"other.{table}")
            columns = ", ".join(f'"{name}"' for name in relation.columns if name != "_refresh")
            counts = [
                connection.execute(
                    f"select count(*) from (select {columns} from {left}.{table} "
                    f"except all select {columns} from {right}.{table})"
                ).fetchall()[0][0]
                for left, right in (("one", "other"), ("other", "one"))
            ]
            if any(counts):
                found[table] = (counts[0], counts[1])
    return found


def lasting_tables(settings: Settings) -> list[str]:
    """Every table that dbt builds, as schema.table, but what one refresh only works with."""
    nodes = json.loads(dbt.manifest(settings).read_text(encoding="utf-8"))["nodes"].values()
    return sorted(
        f"{node['schema']}.{node['name']}"
        for node in nodes
        if node["resource_type"] == "model"
        and node["config"]["materialized"] in ("table", "incremental")
        and not node["config"]["meta"].get("lasts_one_refresh")
    )

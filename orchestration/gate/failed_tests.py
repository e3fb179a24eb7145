"""Data tests that failed when they last ran: kept beside the tables, so that what is sent later knows of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from orchestration.warehouse import Warehouse

Result = Mapping[str, Any]
# What messages are made of: every campaign's, and those of the models that only some campaigns use.
FOR_EVERYBODY = "profiles"
_CONCERNED = {
    FOR_EVERYBODY: ("message_candidates", "profiles", "products"),
    "discover": ("recommendation_acts", "recommendable_products"),
    "buy_again": ("recommendation_acts", "recommendable_products"),
    "churn": ("churn_examples", "churn_people"),
}
_TABLE = """
    create table if not exists quality.failed_tests (
        test varchar, test_name varchar, table_name varchar, concerns varchar[], failed_at timestamp
    )
"""
_NEWS = "create temp table news as select unnest(from_json(?, ?), recursive := true)"
_NEWS_SHAPE = """
    [{"test": "varchar", "test_name": "varchar", "table_name": "varchar", "concerns": ["varchar"]}]
"""


def record(
    warehouse: Warehouse,
    manifest: Mapping[str, Any],
    results: Iterable[Result],
    fail_alone: Collection[str],
    at: datetime,
) -> int:
    """Notes the tests among dbt's results that failed, and forgets those that passed; returns how many fail now.

    Tests of the models in `fail_alone` (unique ids) hold nothing up. `at` is the build's instant, in UTC.
    """
    ran = {
        str(each["unique_id"]): each["status"]
        for each in results
        if str(each["unique_id"]).startswith("test.") and each["status"] != "skipped"
    }
    nodes = manifest["nodes"]
    failed = [
        _row(manifest, test)
        for test, status in ran.items()
        if status in ("fail", "error") and nodes.get(test, {}).get("attached_node") not in fail_alone
    ]
    with warehouse.transaction() as connection:
        connection.execute("create schema if not exists quality")
        connection.execute(_TABLE)
        connection.execute("delete from quality.failed_tests where list_contains(?::varchar[], test)", [list(ran)])
        stale = [row[0] for row in connection.execute("select test from quality.failed_tests").fetchall()]
        gone = [test for test in stale if test not in nodes]
        connection.execute("delete from quality.failed_tests where list_contains(?::varchar[], test)", [gone])
        if failed:
            connection.execute(_NEWS, [json.dumps(failed), _NEWS_SHAPE])
            connection.execute("insert into quality.failed_tests by name select *, ? as failed_at from news", [at])
            connection.execute("drop table news")
        return int(connection.execute("select count(*) from quality.failed_tests").fetchall()[0][0])


def _row(manifest: Mapping[str, Any], test: str) -> dict[str, object]:
    node = manifest["nodes"][test]
    tested = node.get("attached_node") or next(iter(node["depends_on"]["nodes"]), test)
    reached = _reached(manifest, node["depends_on"]["nodes"])
    return {
        "test": test,
        "test_name": node["name"],
        "table_name": str(tested).rpartition(".")[2],
        "concerns": [name for name, models in _CONCERNED.items() if reached & set(models)],
    }


def _reached(manifest: Mapping[str, Any], from_nodes: Iterable[str]) -> set[str]:
    """The names of the models that come from the nodes, and of the nodes."""
    found, left = set(from_nodes), list(from_nodes)
    while left:
        for child in manifest["child_map"].get(left.pop(), []):
            if child.startswith("model.") and child not in found:
                found.add(child)
                left.append(child)
    return {each.rpartition(".")[2] for each in found}

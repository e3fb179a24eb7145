"""What the failed tests `sound` of a build found, in words: dbt itself says only how many problems there were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration.errors import SincerelyError
from orchestration.segments.soundness import built_words
from orchestration.warehouse import Warehouse

_TEST = "sound"
_REMEDY = "Mend the data or the model, and run again."


class DataTestError(SincerelyError):
    """Tables do not hold what their YAML files promise."""


def error(warehouse: Warehouse, manifest: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> Exception | None:
    """What stopped a build, if a promise was broken; the problems are looked up in the tables as they are now."""
    failed = [each for each in results if each["status"] in ("fail", "error", "runtime error")]
    nodes = manifest["nodes"]
    broken, others = [], []
    for result in failed:
        node = nodes.get(result["unique_id"], {})
        if result["status"] == "fail" and (node.get("test_metadata") or {}).get("name") == _TEST:
            tested = nodes[node["attached_node"]]
            table = f"{tested['schema']}.{tested['name']}"
            broken += [f"{table}: {words}" for words in _problems(warehouse, result["compiled_code"])]
        else:
            others.append(f"{node.get('name', result['unique_id'])}: {built_words(str(result.get('message') or ''))}")
    return DataTestError(f"{'; '.join([*broken, *others])}. {_REMEDY}") if broken else None


def _problems(warehouse: Warehouse, query: str) -> list[str]:
    found = [(row["problem"], int(row["rows_count"])) for row in warehouse.rows(query)]
    return [f"{problem} in {count:,} row{'s' * (count > 1)}" for problem, count in found]

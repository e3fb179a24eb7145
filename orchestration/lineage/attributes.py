"""What was collected, who uses each attribute of it, and which ones nobody does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.lineage.project import EXTRA, Lineage, Trace, relation_of
from orchestration.warehouse import Warehouse

_SQL = Path(__file__).parent
_COLUMNS = """
    select table_schema || '.' || table_name as relation, column_name as name
    from information_schema.columns order by relation, ordinal_position
"""
_UNUSED = pa.schema(
    [
        ("source", pa.string()), ("entity", pa.string()), ("attribute", pa.string()), ("rows_filled", pa.int64()),
        ("filled_share", pa.float64()), ("pii", pa.string()), ("carried_to", pa.string()), ("reason", pa.string()),
    ]
)  # fmt: skip
_USES = pa.schema(
    [
        ("source", pa.string()), ("entity", pa.string()), ("attribute", pa.string()),
        ("used_by", pa.string()), ("how", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Attribute:
    """A column of an entity's files: one of its contract, or (`is_extra`) a key of what the contract lacks."""

    source: str
    entity: str
    relation: str
    name: str
    is_extra: bool
    rows_filled: int
    rows_count: int

    def trace(self, found: Lineage) -> Trace:
        """The attribute's way through the project."""
        if self.is_extra:
            return found.trace(self.relation, EXTRA, self.name)
        return found.trace(self.relation, self.name)


def source_tables(warehouse: Warehouse, manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns of every table that dbt reads as a source, as far as it is there."""
    wanted = {relation_of(source) for source in manifest["sources"].values()}
    tables: dict[str, list[str]] = {}
    for row in warehouse.rows(_COLUMNS):
        if row["relation"].lower() in wanted:
            tables.setdefault(row["relation"].lower(), []).append(row["name"])
    return tables


def collected(warehouse: Warehouse) -> list[Attribute]:
    """Every attribute of every entity that was landed, with the number of rows that have a value for it."""
    entities = {row["relation"]: row for row in warehouse.rows((_SQL / "landed.sql").read_text(encoding="utf-8"))}
    columns = _filled(warehouse, "filled_columns.sql", list(entities))
    known = {(row["relation"], row["attribute"].lower()) for row in columns}
    keys = _filled(warehouse, "filled_keys.sql", list(entities))
    # A key of an older file may since have become a column of the contract.
    keys = [row for row in keys if (row["relation"], row["attribute"].lower()) not in known]
    attributes = [
        Attribute(
            source=entities[row["relation"]]["source"],
            entity=entities[row["relation"]]["entity"],
            relation=row["relation"],
            name=row["attribute"],
            is_extra=is_extra,
            rows_filled=row["rows_filled"],
            rows_count=entities[row["relation"]]["rows_received"],
        )
        for rows, is_extra in ((columns, False), (keys, True))
        for row in rows
    ]
    return sorted(attributes, key=lambda each: (each.source, each.entity, each.name))


def unused_attributes(attributes: Iterable[Attribute], found: Lineage) -> pa.Table:
    """One row per collected attribute with a value somewhere that nobody uses."""
    rows = []
    for each in attributes:
        trace = each.trace(found)
        if trace.uses or not each.rows_filled:
            continue
        rows.append(
            {
                "source": each.source,
                "entity": each.entity,
                "attribute": each.name,
                "rows_filled": each.rows_filled,
                "filled_share": round(min(each.rows_filled / max(each.rows_count, 1), 1.0), 4),
                "pii": ", ".join(trace.pii) or None,
                "carried_to": ", ".join(_shown(trace, found)) or None,
                "reason": _reason(each, trace, found),
            }
        )
    return pa.Table.from_pylist(rows, _UNUSED)


def attribute_uses(attributes: Iterable[Attribute], found: Lineage) -> pa.Table:
    """One row per collected attribute, user and kind of use."""
    rows = [
        {
            "source": each.source,
            "entity": each.entity,
            "attribute": each.name,
            "used_by": use.used_by,
            "how": use.how,
        }
        for each in attributes
        for use in each.trace(found).uses
    ]
    return pa.Table.from_pylist(rows, _USES)


def _shown(trace: Trace, found: Lineage) -> list[str]:
    """Where the attribute ends up: the tables after staging, else those of staging."""
    public = [place for place in trace.carried_to if place[0] not in found.staging]
    return [".".join(place) for place in public or trace.carried_to]


def _reason(attribute: Attribute, trace: Trace, found: Lineage) -> str:
    unknown = "The contract does not know it. " if attribute.is_extra else ""
    if any(relation not in found.staging for relation, _ in trace.carried_to):
        return f"{unknown}It is only copied: no model, segment, campaign, feature or report reads the copies."
    if trace.carried_to:
        return f"{unknown}It ends in staging: nothing after staging reads it."
    if found.reads(attribute.relation):
        return f"{unknown}No model takes it out of what was landed."
    return "No model reads this entity."


def _filled(warehouse: Warehouse, file: str, relations: list[str]) -> list[dict[str, Any]]:
    """The rows of one counting query over all tables at once: opening the warehouse for each would take longer."""
    template = (_SQL / file).read_text(encoding="utf-8")
    parts = [template.replace("/* table */", '"{}"."{}"'.format(*relation.split("."))) for relation in relations]
    return warehouse.rows("\nunion all\n".join(parts), list(relations)) if parts else []

"""The way of each collected column through dbt's models, up to whatever uses it.

What a model does with its columns is said by `meta.columns_are` in dbt: `used` (the default), `carried` in
staging, whose casts and cleaning leave a column what it is, or `watched` in models about the data's quality,
which look at every column and need none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from orchestration.lineage.expressions import PACKED
from orchestration.lineage.query import OPAQUE, Columns, Input, UnreadableQueryError, read

# Materializations that put the rows of a model's query into a table as they are.
_PLAIN = {"table", "view", "incremental", "ephemeral", "materialized_view", "segment"}
_KINDS = ("used", "carried", "watched")
# Landing's column for what the contract does not know; the other names with an underscore are bookkeeping.
EXTRA = "_extra"

Place = tuple[str, str]


@dataclass(frozen=True)
class Reader:
    """What reads tables from outside dbt: a query, and how it uses which of that query's columns.

    `wanted` is None when it uses all of them. `exposure` names the dbt exposure that it stands for, if any.
    """

    name: str
    sql: str
    wanted: Mapping[str, str] | None = None
    exposure: str = ""


@dataclass(frozen=True, order=True)
class Use:
    """One use of a column, by whom and how."""

    used_by: str
    how: str


@dataclass(frozen=True)
class Trace:
    """Where an attribute is carried to (table and column), who uses it, and what dbt's meta says of it."""

    carried_to: tuple[Place, ...]
    uses: tuple[Use, ...]
    pii: tuple[str, ...]


@dataclass
class Lineage:
    """How columns go from table to table; `unread` are the models that count as using all that they read."""

    staging: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)
    _carried: dict[Place, set[tuple[str, Place]]] = field(default_factory=lambda: defaultdict(set))
    _uses: dict[Place, set[tuple[str, Use]]] = field(default_factory=lambda: defaultdict(set))
    _whole: dict[str, set[Use]] = field(default_factory=lambda: defaultdict(set))
    _by_all: set[Use] = field(default_factory=set)
    _meta: dict[Place, Mapping[str, Any]] = field(default_factory=dict)

    def trace(self, relation: str, column: str, key: str = "") -> Trace:
        """The way of a column; of a key of `_extra` when `key` is given."""
        start = (relation, column.lower())
        seen, queue = {(start, key)}, [(start, key)]
        uses, pii = set(self._by_all), set()
        while queue:
            place, wanted = queue.pop()
            uses |= self._whole.get(place[0], set())
            uses |= {use for taken, use in self._uses.get(place, ()) if _concerns(taken, wanted)}
            meta = self._meta.get(place, {})
            if meta.get("pii"):
                pii.add(str(meta["pii"]))
            if meta.get("kept_for"):
                uses.add(Use(".".join(place), f"kept for {meta['kept_for']}"))
            for taken, target in self._carried.get(place, ()):
                # Once the key is taken out, its value is a column like any other.
                step = (target, "" if taken in (wanted, PACKED) else wanted)
                if _concerns(taken, wanted) and step not in seen:
                    seen.add(step)
                    queue.append(step)
        places = sorted({place for place, _ in seen} - {start})
        return Trace(tuple(places), tuple(sorted(uses)), tuple(sorted(pii)))

    def reads(self, relation: str) -> bool:
        """Whether any column of the table is carried on or used."""
        return relation in self._whole or any(place[0] == relation for place in (*self._carried, *self._uses))

    def carry(self, columns: Columns, target: str, *, is_staging: bool) -> None:
        """Notes what the columns of `target` are handed."""
        for name, inputs in columns.listed:
            if is_staging and name.startswith("_") and name != EXTRA:
                continue  # a reason to refuse, the number of a copy: every column goes into it, none is used
            for each in inputs:
                self._carried[each.relation, each.column].add((each.key, (target, name)))

    def use(self, each: Input, use: Use) -> None:
        """Notes one use of a column, or of one key in it."""
        self._uses[each.relation, each.column].add((each.key, use))

    def use_whole(self, relation: str, use: Use) -> None:
        """Notes a use of every column of a table."""
        self._whole[relation].add(use)

    def use_everything(self, use: Use) -> None:
        """Notes what may use any column of any table."""
        self._by_all.add(use)

    def describe(self, relation: str, columns: Mapping[str, Any]) -> None:
        """Notes the `meta` of a table's columns as dbt's manifest has it."""
        for name, column in columns.items():
            self._meta[relation, name.lower()] = {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}


def _concerns(taken: str, wanted: str) -> bool:
    """Whether taking the key `taken` ("" is all) concerns an attribute that is the key `wanted` ("" is all)."""
    return taken in ("", PACKED, wanted) or not wanted


def relation_of(node: Mapping[str, Any]) -> str:
    """A node of dbt's manifest as `schema.table`, in lower case."""
    return f"{node['schema']}.{node.get('identifier') or node.get('alias') or node['name']}".lower()


def lineage(
    manifest: Mapping[str, Any],
    compiled: Mapping[str, str],
    tables: Mapping[str, Iterable[str]],
    readers: Iterable[Reader] = (),
) -> Lineage:
    """Follows every column of `tables` (`schema.table` to column names) through the models of the manifest.

    `compiled` has each model's SQL by its unique id. A model whose SQL is missing or cannot be read counts as
    using every column of every table that it reads, and is named in `unread`.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    known = {name.lower(): _own(name.lower(), Columns(tuple((c.lower(), frozenset()) for c in columns)))
             for name, columns in tables.items()}  # fmt: skip
    found = Lineage()
    for node in nodes.values():
        found.describe(relation_of(node), node.get("columns", {}))
    for model in _in_order(manifest["nodes"]):
        parents = [relation_of(nodes[each]) for each in model["depends_on"]["nodes"] if each in nodes]
        known[relation_of(model)] = _follow(model, compiled.get(model["unique_id"]), parents, known, found)
    readers = list(readers)
    for reader in readers:
        _follow_reader(reader, known, found)
    spoken_for = {reader.exposure for reader in readers}
    for exposure in manifest["exposures"].values():
        if exposure["name"] not in spoken_for:
            for each in exposure["depends_on"]["nodes"]:
                found.use_whole(relation_of(nodes[each]), Use(f"exposure {exposure['name']}", "read"))
    return found


def _in_order(nodes: Mapping[str, Any]) -> list[Any]:
    """The models, each after those that it reads."""
    models = {unique_id: node for unique_id, node in nodes.items() if node["resource_type"] == "model"}
    graph = {unique_id: set(node["depends_on"]["nodes"]) & set(models) for unique_id, node in models.items()}
    return [models[unique_id] for unique_id in TopologicalSorter(graph).static_order()]


def _follow(
    model: Mapping[str, Any], sql: str | None, parents: list[str], known: Mapping[str, Columns], found: Lineage
) -> Columns:
    """Notes what one model does with its columns, and returns them as those after it read them."""
    relation, kind = relation_of(model), str(model["config"].get("meta", {}).get("columns_are", "used"))
    if kind == "watched":
        return OPAQUE
    if kind == "carried":
        found.staging.add(relation)
    try:
        if kind not in _KINDS:
            raise UnreadableQueryError(f"its meta says columns_are: {kind}, which is none of {', '.join(_KINDS)}")
        if sql is None:
            raise UnreadableQueryError("dbt has not compiled it")
        reading = read(sql, known, carries=kind == "carried")
    except UnreadableQueryError as error:
        found.unread[relation] = str(error)
        for parent in parents:
            found.use_whole(parent, Use(relation, f"counted in doubt: {error}"))
        return OPAQUE
    # What takes up received rows compares all of their columns, to drop repeats: that is no use of them.
    drops_repeats = kind == "carried" and model["config"]["materialized"] == "incremental"
    for each, how in [] if drops_repeats else reading.uses:
        found.use(each, Use(relation, how))
    if (materialized := str(model["config"]["materialized"])) not in _PLAIN:
        for each in reading.columns.everything:
            found.use(each, Use(relation, f"materialization {materialized}"))
        return OPAQUE
    found.carry(reading.columns, relation, is_staging=kind == "carried")
    return _own(relation, reading.columns)


def _follow_reader(reader: Reader, known: Mapping[str, Columns], found: Lineage) -> None:
    try:
        reading = read(reader.sql, known)
    except UnreadableQueryError as error:
        found.unread[reader.name] = str(error)
        found.use_everything(Use(reader.name, f"counted in doubt: {error}"))
        return
    for each, how in reading.uses:
        found.use(each, Use(reader.name, how))
    for name, inputs in reading.columns.listed:
        if reader.wanted is None or name in reader.wanted:
            for each in inputs:
                found.use(each, Use(reader.name, "read" if reader.wanted is None else reader.wanted[name]))
    for each in reading.columns.rest or ():
        found.use(each, Use(reader.name, "read"))


def _own(relation: str, columns: Columns) -> Columns:
    """A table's columns as a query over it reads them: each stands for itself."""
    listed = tuple((name, frozenset({Input(relation, name)})) for name in dict.fromkeys(n for n, _ in columns.listed))
    return Columns(listed, None if columns.rest is None else frozenset())

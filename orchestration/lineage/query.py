"""What one query does with each column that it reads: where it hands it on to, and where it uses it.

One pass over the parsed query, scope by scope. It knows no more of SQL than it must: whatever it does not
know raises UnreadableQueryError, and the caller counts all that the query reads as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orchestration.errors import SincerelyError
from orchestration.lineage.expressions import QUERIES, pieces

# sqlglot's name of the SQL that models come to; other targets bring their own.
_DIALECT = "duckdb"


class UnreadableQueryError(SincerelyError):
    """The query holds something that this reading does not know."""


@dataclass(frozen=True)
class Input:
    """A column of a table that a query reads; `key` is the JSON key taken out of it, "" for the whole."""

    relation: str
    column: str
    key: str = ""


Inputs = frozenset[Input]
_NONE: Inputs = frozenset()


@dataclass(frozen=True)
class Columns:
    """The columns of a table or query in their order, each with the inputs that it hands on.

    `rest` is what a column hands on that is not listed; None when all are listed.
    """

    listed: tuple[tuple[str, Inputs], ...]
    rest: Inputs | None = None

    def named(self, name: str) -> Inputs | None:
        """What the columns of that name hand on; None when no such column is listed."""
        found = [inputs for column, inputs in self.listed if column == name]
        return frozenset().union(*found) if found else None

    @property
    def everything(self) -> Inputs:
        return frozenset().union(*(inputs for _, inputs in self.listed), self.rest or _NONE)

    def renamed(self, names: Sequence[str]) -> Columns:
        """With the names of `as t (a, b)`, which also say how an unknown table begins."""
        if not names:
            return self
        if self.rest is not None and len(self.listed) < len(names):
            return Columns(tuple((name, self.everything) for name in names), self.rest)
        kept = self.listed[len(names) :]
        return Columns((*((name, i) for name, (_, i) in zip(names, self.listed, strict=False)), *kept), self.rest)


OPAQUE = Columns((), _NONE)


@dataclass(frozen=True)
class Reading:
    """What a query hands on, and each use of a column with how it is used."""

    columns: Columns
    uses: frozenset[tuple[Input, str]]


def read(sql: str, tables: Mapping[str, Columns], *, carries: bool = False) -> Reading:
    """Reads one query over `tables` (`schema.table` in lower case); a table that is not there hands on nothing.

    With `carries`, what a query computes from a column still is that column, and dropping repeats is no use.
    Raises UnreadableQueryError.
    """
    try:
        parsed = sqlglot.parse(sql, dialect=_DIALECT)
    except (SqlglotError, ValueError, RecursionError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableQueryError(f"its SQL does not parse ({words})") from error
    query = parsed[0] if len(parsed) == 1 else None
    if not isinstance(query, QUERIES):
        raise UnreadableQueryError("it is not one select")
    reader = _Reader(tables, carries)
    columns = reader.query(query, _Scope())
    return Reading(columns, frozenset(reader.uses))


@dataclass
class _Scope:
    """The names that can be said at one place of a query."""

    parent: _Scope | None = None
    queries: dict[str, Columns] = field(default_factory=dict)
    sources: dict[str, Columns] = field(default_factory=dict)
    aliases: dict[str, Inputs] = field(default_factory=dict)

    def query_named(self, name: str) -> Columns | None:
        found = self.queries.get(name)
        return found if found is not None or self.parent is None else self.parent.query_named(name)


class _Reader:
    def __init__(self, tables: Mapping[str, Columns], carries: bool) -> None:
        self._tables, self._carries = tables, carries
        self.uses: set[tuple[Input, str]] = set()

    def query(self, node: exp.Expression, outer: _Scope) -> Columns:
        scope = _Scope(outer)
        self._with(node, scope)
        if isinstance(node, exp.Select):
            return self._select(node, scope)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, scope)
        if isinstance(node, exp.Subquery):
            if node.args.get("pivots"):
                raise UnreadableQueryError("it pivots")
            return self.query(node.this, scope)
        raise UnreadableQueryError(f"it has a {node.key} where a query is expected")

    def _with(self, node: exp.Expression, scope: _Scope) -> None:
        clause = node.args.get("with_")
        if clause is None:
            return
        for each in clause.expressions:
            name, body = each.alias.lower(), each.this
            names = [column.name.lower() for column in each.args["alias"].columns]
            if clause.args.get("recursive") and isinstance(body, exp.SetOperation):
                scope.queries[name] = self.query(body.this, scope).renamed(names)
            scope.queries[name] = self.query(body, scope).renamed(names)

    def _set_operation(self, node: exp.SetOperation, scope: _Scope) -> Columns:
        left, right = self.query(node.this, scope), self.query(node.expression, scope)
        if not isinstance(node, exp.Union) or node.args.get("distinct"):
            self._repeats_dropped(left.everything | right.everything)
        if left.rest is not None or right.rest is not None:
            both = left.everything | right.everything
            return Columns(tuple((name, both) for name, _ in left.listed), both)
        if node.args.get("by_name"):
            names = dict.fromkeys(name for name, _ in (*left.listed, *right.listed))
            return Columns(tuple((n, (left.named(n) or _NONE) | (right.named(n) or _NONE)) for n in names))
        if len(left.listed) != len(right.listed):
            raise UnreadableQueryError("the branches of its union differ in their columns")
        pairs = zip(left.listed, right.listed, strict=True)
        return Columns(tuple((name, mine | theirs) for (name, mine), (_, theirs) in pairs))

    def _select(self, node: exp.Select, scope: _Scope) -> Columns:
        if start := node.args.get("from_"):
            self._source(start.this, scope)
        for lateral in node.args.get("laterals") or []:
            self._source(lateral, scope)
        for join in node.args.get("joins") or []:
            self._join(join, scope)
        rest: Inputs | None = None
        listed: list[tuple[str, Inputs]] = []
        for item in node.expressions:
            found = self._item(item, scope)
            listed += found.listed
            rest = found.rest if rest is None else rest | (found.rest or _NONE)
            # A later item, or a clause, may speak of an earlier item by its name.
            for name, inputs in found.listed:
                scope.aliases.setdefault(name, inputs)
        for clause, how in (("where", "filter"), ("having", "filter"), ("qualify", "filter")):
            self._use(node.args.get(clause), how, scope)
        for window in node.args.get("windows") or []:
            self._use(window, "window", scope)
        self._group(node, scope)
        for ordered in node.args["order"].expressions if node.args.get("order") else []:
            self._use_item(ordered.this, "order", node, scope)
        if distinct := node.args.get("distinct"):
            if distinct.args.get("on"):
                self._use(distinct.args["on"], "filter", scope)
            else:
                self._repeats_dropped(frozenset().union(*(inputs for _, inputs in listed), rest or _NONE))
        return Columns(tuple(listed), rest)

    def _group(self, node: exp.Select, scope: _Scope) -> None:
        group = node.args.get("group")
        if group is None:
            return
        for each in group.expressions:
            self._use_item(each, "group", node, scope)
        for kind in ("cube", "rollup", "grouping_sets"):
            for each in group.args.get(kind) or []:
                self._use(each, "group", scope)
        if group.args.get("all"):
            for item in node.expressions:
                if not item.find(exp.AggFunc):
                    self._use(item, "group", scope)

    def _use_item(self, node: exp.Expression, how: str, select: exp.Select, scope: _Scope) -> None:
        """A place in `group by` or `order by`: an expression, an item's number, or `all`."""
        if isinstance(node, exp.Literal) and node.is_int and 0 < int(node.this) <= len(select.expressions):
            node = select.expressions[int(node.this) - 1]
        self._use(node, how, scope)

    def _item(self, item: exp.Expression, scope: _Scope) -> Columns:
        if isinstance(item, exp.Star):
            return self._star(item, list(scope.sources.values()), scope)
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            source = scope.sources.get(item.table.lower())
            if source is None:
                raise UnreadableQueryError(f"it selects {item.table}.*, which is no table of its from clause")
            return self._star(item.this, [source], scope)
        if several := item.find(exp.Columns):
            everything = self._star(exp.Star(), list(scope.sources.values()), scope)
            if item is several or self._carries:
                return everything
            self._record(everything.everything, "expression")
            return Columns(tuple((name, _NONE) for name, _ in everything.listed), everything.rest)
        return Columns(((item.output_name.lower(), self._handed_on(item, "expression", scope)),))

    def _star(self, star: exp.Star, sources: Iterable[Columns], scope: _Scope) -> Columns:
        left_out = {each.name.lower() for each in star.args.get("except_") or []}
        new_names = {each.this.name.lower(): each.alias.lower() for each in star.args.get("rename") or []}
        replaced = {
            each.alias.lower(): self._handed_on(each, "expression", scope) for each in star.args.get("replace") or []
        }
        listed: list[tuple[str, Inputs]] = []
        rest: Inputs | None = None
        for source in sources:
            for name, inputs in source.listed:
                if name not in left_out:
                    listed.append((new_names.get(name, name), replaced.get(name, inputs)))
            if source.rest is not None:
                rest = source.rest | (rest or _NONE)
        return Columns(tuple(listed), rest)

    def _join(self, join: exp.Join, scope: _Scope) -> None:
        if join.method.upper() == "NATURAL":
            raise UnreadableQueryError("it joins naturally, on columns that it does not name")
        self._source(join.this, scope)
        self._use(join.args.get("on"), "join", scope)
        for name in join.args.get("using") or []:
            for source in scope.sources.values():
                self._record(source.named(name.name.lower()) or source.rest or _NONE, "join")

    def _source(self, node: exp.Expression, scope: _Scope) -> None:
        alias = node.args.get("alias")
        names = [column.name.lower() for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
        scope.sources[(node.alias_or_name or f"#{len(scope.sources)}").lower()] = self._rows(node, scope).renamed(names)
        for join in node.args.get("joins") or [] if not isinstance(node, exp.Subquery) else []:
            self._join(join, scope)

    def _rows(self, node: exp.Expression, scope: _Scope) -> Columns:
        """The columns of one entry of a from clause."""
        if node.args.get("pivots"):
            raise UnreadableQueryError("it pivots")
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            name = node.name.lower()
            query = None if node.db else scope.query_named(name)
            return query if query is not None else self._tables.get(f"{node.db.lower()}.{name}", OPAQUE)
        if isinstance(node, exp.Subquery) and isinstance(node.this, QUERIES):
            return self.query(node, scope)
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            return self.query(node.this, scope)
        if isinstance(node, exp.Values):
            return OPAQUE
        if isinstance(node, exp.Unnest | exp.Lateral | exp.Table):
            arguments = node.expressions if isinstance(node, exp.Unnest) else [node.this]
            given: Inputs = frozenset().union(*(self._handed_on(each, "unnest", scope) for each in arguments))
            return Columns((), given)
        raise UnreadableQueryError(f"it reads from a {node.key}")

    def _handed_on(self, node: exp.Expression, how: str, scope: _Scope) -> Inputs:
        """What an expression hands on; what it makes something of is noted as used."""
        carried: set[Input] = set()
        for piece in pieces(node, is_copied=True, carries=self._carries):
            if isinstance(piece.node, exp.Column):
                inputs = _taken(self._column(piece.node, scope), piece.key)
            else:
                inputs = self.query(piece.node, scope).everything
            if piece.is_copied:
                carried |= inputs
            else:
                self._record(inputs, how)
        return frozenset(carried)

    def _use(self, node: exp.Expression | None, how: str, scope: _Scope) -> None:
        if node is not None:
            self._record(self._handed_on(node, how, scope), how)

    def _record(self, inputs: Inputs, how: str) -> None:
        self.uses |= {(each, how) for each in inputs}

    def _repeats_dropped(self, inputs: Inputs) -> None:
        if not self._carries:
            self._record(inputs, "distinct")

    def _column(self, node: exp.Column, scope: _Scope) -> Inputs:
        """What a column's name stands for: a source's column, an item of the select, or one of an outer query."""
        if isinstance(node.this, exp.Star):  # count(t.*)
            return frozenset().union(*(source.everything for source in scope.sources.values()))
        parts = [part.name.lower() for part in node.parts]
        unlisted: Inputs | None = None
        level: _Scope | None = scope
        while level is not None:
            for position, part in enumerate(parts[:-1]):
                if (source := level.sources.get(part)) is not None:
                    found = source.named(parts[position + 1])
                    if found is None and source.rest is None:
                        raise UnreadableQueryError(f"{'.'.join(parts)} is no column that it reads")
                    return found if found is not None else source.rest or _NONE
            name = parts[0]  # a further part is a field of it
            hits = [found for source in level.sources.values() if (found := source.named(name)) is not None]
            if hits:
                return frozenset().union(*hits)
            if name in level.aliases:
                return level.aliases[name]
            if name in level.sources:  # the whole row
                return level.sources[name].everything
            for source in level.sources.values():
                if source.rest is not None:
                    unlisted = source.rest | (unlisted or _NONE)
            level = level.parent
        if unlisted is None:
            raise UnreadableQueryError(f"{'.'.join(parts)} is no column that it reads")
        return unlisted


def _taken(inputs: Inputs, key: str) -> Inputs:
    """The inputs after `key` was taken out of them; a key within a key says no more."""
    return frozenset(Input(each.relation, each.column, each.key or key) for each in inputs) if key else inputs

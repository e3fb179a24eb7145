"""A segment's query taken apart into the conditions that somebody must meet, each in the words of its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

_DIALECT = "duckdb"
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_CLAUSES = {
    TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.QUALIFY, TokenType.WINDOW,
    TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET,
}  # fmt: skip
# A join that leaves rows out decides, too. The words before JOIN say which it is.
_JOIN_WORDS = {
    TokenType.INNER, TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.OUTER, TokenType.CROSS,
    TokenType.SEMI, TokenType.ANTI, TokenType.ASOF, TokenType.NATURAL,
}  # fmt: skip
_KEEPING = {TokenType.LEFT, TokenType.FULL}
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


class CannotBeSplitError(Exception):
    """The query has a shape in which no condition stands alone; the message says which."""


@dataclass(frozen=True)
class Join:
    """A join as it is written; `decides` when whoever finds nothing in it is left out."""

    text: str
    decides: bool


@dataclass(frozen=True)
class Select:
    """One select taken apart. Every part is text of the query; `rest` is what no condition could be taken out of."""

    before: str
    person: str
    table: str
    joins: tuple[Join, ...] = ()
    where: tuple[str, ...] = ()
    group_by: str = ""
    having: tuple[str, ...] = ()
    rest: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.joins), len(self.where), len(self.having)

    def map(self, change: Any) -> Select:
        """The same with `change` applied to every text."""
        return replace(
            self,
            table=change(self.table),
            joins=tuple(replace(join, text=change(join.text)) for join in self.joins),
            where=tuple(map(change, self.where)),
            having=tuple(map(change, self.having)),
            rest=change(self.rest),
        )


def take_apart(sql: str) -> list[Select]:
    """The selects of a query, more than one where it is a union; CannotBeSplitError where it is something else."""
    try:
        tokens = [token for token in sqlglot.tokenize(sql, read=_DIALECT) if token.token_type != TokenType.SEMICOLON]
    except SqlglotError as error:
        raise CannotBeSplitError("its SQL cannot be read") from error
    return _query(sql, tokens, "")


def in_the_analysts_words(selects: list[Select], source: str) -> list[Select]:
    """The same conditions as the file writes them, with its variables; as they were compiled where that is unclear."""
    expressions: list[str] = []

    def placeholder(match: re.Match[str]) -> str:
        expressions.append(match[0])
        return f"jinja_{len(expressions) - 1}_"

    def restored(text: str) -> str:
        return re.sub(r"jinja_(\d+)_", lambda match: expressions[int(match[1])], text)

    plain = _EXPRESSION.sub(placeholder, _COMMENT.sub("", source))
    try:
        written = take_apart(plain) if "{%" not in plain else []
    except CannotBeSplitError:
        written = []
    if [each.shape for each in written] != [each.shape for each in selects]:
        return selects
    return [each.map(restored) for each in written]


def columns_of(condition: str) -> list[str]:
    """The columns whose values decide the condition, but for those of a query within it."""
    tree = _parsed(condition)
    found = (
        (column for column in tree.find_all(exp.Column, bfs=False) if not column.find_ancestor(exp.Query))
        if tree
        else ()
    )
    return list(dict.fromkeys(column.sql(dialect=_DIALECT) for column in found))


def aggregates_of(condition: str) -> list[str]:
    """The aggregates that a condition on a group compares."""
    tree = _parsed(condition)
    found = []
    for node in tree.find_all(exp.AggFunc, bfs=False) if tree else ():
        whole = node.parent if isinstance(node.parent, exp.Filter) else node
        text = whole.sql(dialect=_DIALECT, normalize_functions="lower")
        found.append(text.replace(" FILTER(WHERE ", " filter (where "))
    return list(dict.fromkeys(found))


def _parsed(condition: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(condition, read=_DIALECT)
    except SqlglotError:
        return None


def _query(sql: str, tokens: Sequence[Any], before: str) -> list[Select]:
    starts = [i for i, _ in _outer(tokens) if tokens[i].token_type in (TokenType.WITH, TokenType.SELECT)]
    if not starts:
        raise CannotBeSplitError("it is no select")
    tokens = tokens[starts[0] :]
    named: dict[str, Sequence[Any]] = {}
    if tokens[0].token_type == TokenType.WITH:
        if tokens[1].token_type == TokenType.RECURSIVE:
            raise CannotBeSplitError("it is recursive")
        main = next(i for i, _ in _outer(tokens) if tokens[i].token_type == TokenType.SELECT)
        named = _named_queries(tokens[1:main])
        before, tokens = sql[tokens[0].start : tokens[main - 1].end + 1], tokens[main:]
    sets = (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT)
    cuts = [i for i, _ in _outer(tokens) if tokens[i].token_type in sets]
    if any(tokens[i].token_type != TokenType.UNION for i in cuts):
        raise CannotBeSplitError("it takes one query from another")
    selects = []
    for start, end in zip([0, *(i + 1 for i in cuts)], [*cuts, len(tokens)], strict=True):
        part = tokens[start:end]
        if part and part[0].token_type in (TokenType.ALL, TokenType.DISTINCT):
            part = part[1:]
        selects += _select(sql, part, before, named)
    return selects


def _select(sql: str, tokens: Sequence[Any], before: str, named: dict[str, Sequence[Any]]) -> list[Select]:
    if not tokens or tokens[0].token_type != TokenType.SELECT:
        raise CannotBeSplitError("a part of its union is no plain select")
    marks = _clause_marks(tokens)
    if TokenType.FROM not in marks:
        raise CannotBeSplitError("it reads no table")
    clause = {kind: tokens[start:end] for kind, (start, end) in marks.items()}
    source = clause[TokenType.FROM]
    if len(source) == 1 and source[0].text in named and marks.keys() <= {TokenType.FROM, TokenType.ORDER_BY}:
        inner = named[source[0].text]
        return _query(sql, inner, before)
    table, joins = _joins(sql, source)
    rest = [kind for kind in (TokenType.QUALIFY, TokenType.LIMIT, TokenType.OFFSET) if kind in marks]
    return [
        Select(
            before=before,
            person=_person(_text(sql, tokens[1 : marks[TokenType.FROM][0] - 1])),
            table=table,
            joins=joins,
            where=_conjuncts(sql, clause.get(TokenType.WHERE, ())),
            group_by=_text(sql, clause.get(TokenType.GROUP_BY, ())),
            having=_conjuncts(sql, clause.get(TokenType.HAVING, ())),
            rest=" ".join(_text(sql, tokens[marks[kind][0] - 1 : marks[kind][1]]) for kind in rest),
        )
    ]


def _clause_marks(tokens: Sequence[Any]) -> dict[Any, tuple[int, int]]:
    """Where each clause's content begins and ends; `is distinct from` is no clause."""
    found: list[tuple[Any, int]] = []
    for i, _ in _outer(tokens):
        kind = tokens[i].token_type
        is_comparison = kind == TokenType.FROM and (found or tokens[i - 1].token_type == TokenType.DISTINCT)
        if kind in _CLAUSES and not is_comparison:
            found.append((kind, i))
    ends = [*(i for _, i in found[1:]), len(tokens)][: len(found)]
    return {kind: (i + 1, end) for (kind, i), end in zip(found, ends, strict=True)}


def _named_queries(tokens: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The queries of a WITH by their names, each as the tokens within its parentheses."""
    named: dict[str, Sequence[Any]] = {}
    for opened, closed in _groups(tokens):
        head = [token for token in tokens[:opened] if token.token_type != TokenType.COMMA]
        names = [token for token in head if token.token_type in (TokenType.VAR, TokenType.IDENTIFIER)]
        if names and head[-1].token_type == TokenType.ALIAS:
            named[head[-2].text] = tokens[opened + 1 : closed]
    return named


def _joins(sql: str, tokens: Sequence[Any]) -> tuple[str, tuple[Join, ...]]:
    starts = []
    for i, _ in _outer(tokens):
        is_first = i > 0 and tokens[i - 1].token_type not in _JOIN_WORDS
        if tokens[i].token_type in (*_JOIN_WORDS, TokenType.JOIN) and is_first:
            starts.append(i)
    if any(tokens[i].token_type == TokenType.COMMA for i, _ in _outer(tokens[: starts[0] if starts else None])):
        raise CannotBeSplitError("it lists its tables with commas")
    joins = []
    for start, end in zip(starts, [*starts[1:], len(tokens)][: len(starts)], strict=True):
        words = {token.token_type for token in tokens[start:end][:3]} & _JOIN_WORDS
        joins.append(Join(_text(sql, tokens[start:end]), decides=not words & _KEEPING))
    return _text(sql, tokens[: starts[0]] if starts else tokens), tuple(joins)


def _person(selected: str) -> str:
    """What the select calls a person, without its alias."""
    try:
        (column,) = sqlglot.parse_one(f"select {selected}", read=_DIALECT).expressions
    except (SqlglotError, ValueError) as error:
        raise CannotBeSplitError("it does not select one column") from error
    if column.find(exp.Star):
        raise CannotBeSplitError("it selects all columns of a table")
    return str(column.unalias().sql(dialect=_DIALECT))


def _conjuncts(sql: str, tokens: Sequence[Any]) -> tuple[str, ...]:
    """What stands between the ANDs; one whole where an OR binds them together."""
    while len(tokens) > 2 and list(_groups(tokens)) == [(0, len(tokens) - 1)] and _is_paren(tokens[0]):
        tokens = tokens[1:-1]
    if not tokens:
        return ()
    kinds = [(i, tokens[i].token_type) for i, _ in _outer(tokens)]
    if any(kind == TokenType.OR for _, kind in kinds):
        return (_text(sql, tokens),)
    cuts, is_between = [], False
    for i, kind in kinds:
        if kind == TokenType.BETWEEN:
            is_between = True
        elif kind == TokenType.AND and is_between:
            is_between = False
        elif kind == TokenType.AND:
            cuts.append(i)
    if not cuts:
        return (_text(sql, tokens),)
    pieces = [tokens[a:b] for a, b in zip([0, *(i + 1 for i in cuts)], [*cuts, len(tokens)], strict=True)]
    return tuple(text for piece in pieces for text in _conjuncts(sql, piece))


def _is_paren(token: Any) -> bool:
    return bool(token.token_type == TokenType.L_PAREN)


def _outer(tokens: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """The tokens that stand within no parentheses and no CASE."""
    depth = 0
    for i, token in enumerate(tokens):
        if token.token_type in _CLOSING:
            depth -= 1
        elif depth == 0 and token.token_type not in _OPENING:
            yield i, token
        if token.token_type in _OPENING:
            depth += 1


def _groups(tokens: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Where each outermost group opens and closes."""
    depth = opened = 0
    for i, token in enumerate(tokens):
        if token.token_type in _OPENING:
            opened, depth = (i if depth == 0 else opened), depth + 1
        elif token.token_type in _CLOSING:
            depth -= 1
            if depth == 0:
                yield opened, i


def _text(sql: str, tokens: Sequence[Any]) -> str:
    return sql[tokens[0].start : tokens[-1].end + 1] if tokens else ""

"""What an expression does with each column in it: hand its value on as it is, or make something of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

# They hand on one of the values that they are given, or the same value in another type.
_WRAPPERS = (exp.Alias, exp.Paren, exp.Cast, exp.TryCast, exp.IgnoreNulls, exp.RespectNulls)
_PICKERS = (exp.AnyValue, exp.First, exp.Last, exp.Coalesce, exp.Nullif)
_BEST_OF = (exp.ArgMax, exp.ArgMin)
_PATHS = (exp.JSONExtract, exp.JSONExtractScalar)
# They put values into a list, a struct or JSON, where each is still what it was.
_PACKERS = (
    exp.Struct, exp.PropertyEQ, exp.Array, exp.ArrayAgg, exp.JSONObject, exp.JSONKeyValue,
)  # fmt: skip
# The key of a value that was packed: what is taken out of the package later may be it, under whatever name.
PACKED = "*"
QUERIES = (exp.Select, exp.SetOperation, exp.Subquery)


@dataclass(frozen=True)
class Piece:
    """A column or a query within an expression. `key` is the JSON key that is taken out of it, if one is."""

    node: exp.Expression
    is_copied: bool
    key: str = ""


def pieces(node: exp.Expression, *, is_copied: bool, carries: bool) -> Iterator[Piece]:
    """The columns and queries of an expression, each with whether its value is merely handed on.

    A cast, `coalesce`, `nullif`, `any_value`, `arg_max`, the branches of a `case`, a key taken out of JSON, and a
    list, struct or JSON around it hand a value on; conditions, and all other functions and operators, make
    something of it. With `carries`
    nothing in the expression counts as more than handing on, as in staging.
    """
    if isinstance(node, (exp.Column, *QUERIES)):
        yield Piece(node, is_copied)
    elif isinstance(node, _WRAPPERS):
        yield from pieces(node.this, is_copied=is_copied, carries=carries)
    elif isinstance(node, _PATHS) or (isinstance(node, exp.Bracket) and _bracket_key(node)):
        key = _bracket_key(node) if isinstance(node, exp.Bracket) else _path_key(node.expression)
        for piece in pieces(node.this, is_copied=is_copied, carries=carries):
            yield Piece(piece.node, piece.is_copied, piece.key or key)
        if not isinstance(node, exp.Bracket) and not key:
            yield from pieces(node.expression, is_copied=is_copied and carries, carries=carries)
    else:
        is_packed = isinstance(node, _PACKERS)
        for child in node.iter_expressions():
            hands_on = is_copied and (carries or is_packed or _hands_on(node, child))
            for piece in pieces(child, is_copied=hands_on, carries=carries):
                yield Piece(piece.node, piece.is_copied, piece.key or (PACKED if is_packed else ""))


def _hands_on(node: exp.Expression, child: exp.Expression) -> bool:
    """Whether the value of `node` can be that of `child`."""
    if isinstance(node, _PICKERS):
        return True
    if isinstance(node, (*_BEST_OF, exp.Filter, exp.Order)):
        return child is node.this
    if isinstance(node, exp.If):
        return child is not node.this
    return isinstance(node, exp.Case) and child is not node.this


def _path_key(path: exp.Expression | None) -> str:
    """The first key of a JSON path that names one; empty when the path is computed or begins otherwise."""
    if isinstance(path, exp.JSONPath):
        first = next((part for part in path.expressions if not isinstance(part, exp.JSONPathRoot)), None)
        if isinstance(first, exp.JSONPathKey) and isinstance(first.this, str):
            return first.this
    return ""


def _bracket_key(node: exp.Bracket) -> str:
    """The text in `column['text']`; empty for anything else."""
    (*_, last) = node.expressions or [None]
    return str(last.this) if isinstance(last, exp.Literal) and last.is_string else ""

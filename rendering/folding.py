"""What a template says to everybody is worked out once: constants are put in their places, cards are cut out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

# What marks a card in the source: `{% if item | card %} … {% endif %}`.
CARD = "card"
# How loops are written, so that each takes from the message's allowance of rounds.
LIMITED = "_limited"
_LONGEST = 10_000
_FOLDABLE = (str, int, float, bool, type(None))


class _Substitute(NodeTransformer):
    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = known

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802
        if node.ctx == "load" and node.name in self.known:
            return nodes.Const(self.known[node.name], lineno=node.lineno, environment=node.environment)
        return node


def fold(tree: nodes.Template, constants: Mapping[str, Any]) -> nodes.Template:
    """`tree` with every name that can only have one value replaced by it, and its loops limited.

    `constants` are the values that a campaign gives to all; `{% set %}` to a constant makes another, as far as
    nothing in between can change it. Jinja then evaluates filters of constants while it compiles."""
    tree.body = _statements(tree.body, dict(constants))
    return tree


def scoped(body: list[nodes.Node], like: nodes.Node) -> nodes.Template:
    """A template of `body` whose `{% set %}` are local variables: as exports they cost as much as an output."""
    scope = nodes.Scope(body, lineno=1)
    tree = nodes.Template([scope], lineno=1)
    tree.environment = scope.environment = like.environment
    return tree


def _statements(body: list[nodes.Node], known: dict[str, Any]) -> list[nodes.Node]:
    return [_statement(node, known) for node in body]


def _statement(node: nodes.Node, known: dict[str, Any]) -> nodes.Node:
    """`node` folded; `known` is brought to what holds after it."""
    if isinstance(node, nodes.Assign):
        node.node = _Substitute(known).visit(node.node)
        _forget(node, known)
        if isinstance(node.target, nodes.Name) and (constant := _constant(node.node)) is not None:
            known[node.target.name] = constant[0]
        return node
    if isinstance(node, nodes.If):
        node.test = _Substitute(known).visit(node.test)
        node.body = _statements(node.body, dict(known))
        for branch in node.elif_:
            _statement(branch, dict(known))
        node.else_ = _statements(node.else_, dict(known))
        _forget(node, known)
        return node
    if isinstance(node, nodes.For):
        iterated = _Substitute(known).visit(node.iter)
        node.iter = nodes.Filter(iterated, LIMITED, [], [], None, None, lineno=node.lineno)
        node.iter.environment = node.environment
        _forget(node, known)
        node.body, node.else_ = _statements(node.body, dict(known)), _statements(node.else_, dict(known))
        return node
    folded: nodes.Node = _Substitute(known).visit(node)
    return folded


def _constant(value: nodes.Node) -> tuple[Any] | None:
    if not isinstance(value, nodes.Expr):
        return None
    try:
        constant = value.as_const()
    except Exception:  # whatever does not work now says why when it is rendered
        return None
    # A text that doubles with each `set` must not be doubled here, where no limit watches.
    is_long = isinstance(constant, str) and len(constant) > _LONGEST
    return (constant,) if isinstance(constant, _FOLDABLE) and not is_long else None


def _forget(node: nodes.Node, known: dict[str, Any]) -> None:
    """What `node` sets anywhere inside is no longer known."""
    for name in names(node, "store"):
        known.pop(name, None)


def names(node: nodes.Node, how: str) -> Iterator[str]:
    """The names that `node` and all below it `load` or `store`."""
    if isinstance(node, nodes.Name) and node.ctx == how:
        yield node.name
    yield from (name.name for name in node.find_all(nodes.Name) if name.ctx == how)


def cards(tree: nodes.Template) -> Iterator[nodes.If]:
    """The marked parts of a template."""
    for node in tree.find_all(nodes.If):
        if isinstance(node.test, nodes.Filter) and node.test.name == CARD:
            yield node

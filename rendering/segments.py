"""A template cut into segments: statements side by side that are made of the same values.

Names that the template sets come with each segment that reads them; where a condition decides what is set, all up to
the last that reads it is one segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from jinja2 import nodes

from rendering.cards import parts
from rendering.folding import names


@dataclass(frozen=True)
class Segment:
    """Statements, after what they read is set; `reads` are values that come from outside."""

    body: tuple[nodes.Node, ...]
    reads: frozenset[str]


@dataclass
class _Known:
    """What is known at a place of names that were set before it, by the places of what has to be there for them."""

    # Statements that set the name, and what those read.
    sets: dict[str, frozenset[int]] = field(default_factory=dict)
    # Where the condition stands that may have set it.
    may_be_set: dict[str, int] = field(default_factory=dict)

    def after(self, node: nodes.Node, place: int) -> _Known:
        stored = set(names(node, "store"))
        if not stored or isinstance(node, nodes.For):  # what a loop sets ends with it
            return self
        read = set(_free([node], set()))
        conditions = [self.may_be_set[name] for name in read & self.may_be_set.keys()]
        if not isinstance(node, nodes.Assign) or conditions:
            return _Known(self.sets, self.may_be_set | dict.fromkeys(stored, min([place, *conditions])))
        needed = frozenset[int]((place,)).union(*(self.sets[name] for name in read & self.sets.keys()))
        clear = {name: condition for name, condition in self.may_be_set.items() if name not in stored}
        return _Known(self.sets | dict.fromkeys(stored, needed), clear)


def segments(tree: nodes.Template) -> list[Segment]:
    """The template's segments, in their order."""
    body = list(_parts(tree.body))
    if _reads_what_is_set_later(body):
        return [Segment(tuple(body), frozenset(_free(body, set())))]
    known = [_Known()]
    for place, node in enumerate(body):
        known.append(known[-1].after(node, place))
    found: list[tuple[int, int]] = []
    for place in range(len(body)):
        start = _start(body, known, place)
        while found and found[-1][1] > start:
            start = _start(body, known, place, min(start, found.pop()[0]))
        if found and _reads(body, known, *found[-1]) == _reads(body, known, start, place + 1):
            start = found.pop()[0]
        found.append((start, place + 1))
    return [Segment(_with_sets(body, known, *each), _reads(body, known, *each)) for each in found]


def _reads_what_is_set_later(body: list[nodes.Node]) -> bool:
    """Whether a loop reads a name that is set only after it: for Jinja it is not there then, whatever comes from
    outside."""
    in_loops: set[str] = set()
    for node in body:
        if in_loops & set(names(node, "store")):
            return True
        for loop in node.find_all(nodes.For) if not isinstance(node, nodes.For) else [node]:
            in_loops |= set(names(loop, "load"))
    return False


def _start(body: list[nodes.Node], known: list[_Known], place: int, start: int | None = None) -> int:
    """Where a segment has to begin that ends with `place`, at the latest at `start`."""
    start = place if start is None else start
    while conditions := [
        known[start].may_be_set[name]
        for name in set(_free(body[start : place + 1], set())) & known[start].may_be_set.keys()
    ]:
        start = min(conditions)
    return start


def _with_sets(body: list[nodes.Node], known: list[_Known], start: int, end: int) -> tuple[nodes.Node, ...]:
    free = set(_free(body[start:end], set()))
    before = frozenset[int]().union(*(known[start].sets[name] for name in free & known[start].sets.keys()))
    return (*(body[place] for place in sorted(before)), *body[start:end])


def _reads(body: list[nodes.Node], known: list[_Known], start: int, end: int) -> frozenset[str]:
    return frozenset(_free(_with_sets(body, known, start, end), set()))


def _parts(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        yield from parts(node)


def _free(body: Iterable[nodes.Node], known: set[str]) -> Iterator[str]:
    """The names that statements read before they set them. `known` are set, and then more."""
    for node in body:
        if isinstance(node, nodes.Assign):
            yield from _loads(node.node, known)
            known |= set(names(node.target, "store"))
        elif isinstance(node, nodes.If):
            yield from _loads(node.test, known)
            after = []
            others: list[list[nodes.Node]] = [[each] for each in node.elif_]
            for branch in (node.body, *others, node.else_):
                inside = set(known)
                yield from _free(branch, inside)
                after.append(inside)
            known |= set.intersection(*after)
        elif isinstance(node, nodes.For):
            yield from _loads(node.iter, known)
            inside = known | {"loop"} | set(names(node.target, "store"))
            if node.test is not None:
                yield from _loads(node.test, inside)
            yield from _free(node.body, inside)
            yield from _free(node.else_, set(known))
        else:
            yield from _loads(node, known)


def _loads(node: nodes.Node, known: set[str]) -> Iterator[str]:
    return (name for name in names(node, "load") if name not in known)

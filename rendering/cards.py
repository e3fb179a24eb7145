"""Cards: the part of a message that speaks of one record, a product most often, filled in once for all its readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from rendering.folding import names
from rendering.items import Item
from rendering.links import MESSAGE_MARK
from rendering.stand_ins import RecordStandIn

# What of a recommendation belongs to the person and not to the product.
PERSONAL = frozenset(("reason", "rank", "list", "model_version", "score"))
# Where a record that many share keeps what was made of it.
MADE = "_made"
_KEPT = 8_192
_NOTHING = (None, ())

Fill = Callable[[Any, Any], str]
Pieces = tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """Neighbouring parts of a card that read the same kind of fields.

    `field` is set where the run is nothing but the value of that field."""

    nodes: tuple[nodes.Node, ...]
    fields: tuple[str, ...]
    is_personal: bool
    field: str | None


def runs(body: list[nodes.Node], record: str) -> list[Run] | None:
    """`body` cut where what it reads changes between the product and the person; None where it reads the
    record as a whole, or keeps values between its parts, so that it cannot be cut."""
    found: list[tuple[bool, list[nodes.Node]]] = []
    for node in body:
        if any(True for _ in names(node, "store")) or _reads_whole(node, record):
            return None
        for part in parts(node):
            is_personal = not PERSONAL.isdisjoint(fields(part, record))
            if not found or found[-1][0] != is_personal:
                found.append((is_personal, []))
            found[-1][1].append(part)
    return [_run(is_personal, together, record) for is_personal, together in found]


def fields(node: nodes.Node, record: str) -> tuple[str, ...]:
    """The fields of `record` that `node` reads, each once."""
    read = [each for each in _attributes(node) if _is_of(each.node, record)]
    return tuple(dict.fromkeys(_name_of(each) for each in read))


def attributes(node: nodes.Node) -> set[str]:
    """Every name that `node` reads of any record."""
    return {_name_of(each) for each in _attributes(node)}


def _run(is_personal: bool, parts: list[nodes.Node], record: str) -> Run:
    read = tuple(dict.fromkeys(name for part in parts for name in fields(part, record)))
    field = None
    if is_personal and len(parts) == 1 and isinstance(parts[0], nodes.Output) and len(parts[0].nodes) == 1:
        only = parts[0].nodes[0]
        if isinstance(only, nodes.Getattr) and _is_of(only.node, record):
            field = only.attr
    return Run(tuple(parts), read, is_personal, field)


def parts(node: nodes.Node) -> Iterator[nodes.Node]:
    """`node`, or an output's parts as outputs of their own."""
    if not isinstance(node, nodes.Output):
        yield node
        return
    for child in node.nodes:
        part = nodes.Output([child], lineno=node.lineno)
        part.environment = node.environment
        yield part


def _attributes(node: nodes.Node) -> Iterator[nodes.Getattr | nodes.Getitem]:
    found = [node] if isinstance(node, nodes.Getattr | nodes.Getitem) else []
    for each in (*found, *node.find_all((nodes.Getattr, nodes.Getitem))):
        if isinstance(each, nodes.Getattr) or (
            isinstance(each, nodes.Getitem) and isinstance(each.arg, nodes.Const) and isinstance(each.arg.value, str)
        ):
            yield each


def _name_of(node: nodes.Getattr | nodes.Getitem) -> str:
    return node.attr if isinstance(node, nodes.Getattr) else node.arg.value  # type: ignore[attr-defined]


def _is_of(node: nodes.Node, record: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == record


def _reads_whole(node: nodes.Node, record: str) -> bool:
    all_of_it = sum(1 for name in names(node, "load") if name == record)
    return all_of_it != sum(1 for each in _attributes(node) if _is_of(each.node, record))


class Card:
    """A card as a function of a record and of how values are written for its reader."""

    def __init__(self, cut: list[Run], fill: list[Fill], written: Callable[[Any], str]) -> None:
        self._steps = list(zip(cut, fill, strict=True))
        self._written = written
        self._product_fields = tuple(dict.fromkeys(f for run in cut if not run.is_personal for f in run.fields))
        # The common card: product, one plain field of the person, product.
        is_sandwich = [run.is_personal for run in cut] == [False, True, False]
        self.own_field = cut[1].field if is_sandwich else None
        self._is_by_column = self.own_field is not None or [run.is_personal for run in cut] == [False]
        self._kept: dict[Any, tuple[Pieces, ...]] = {}
        self._constant: dict[Any, Pieces] = {}

    def __call__(self, context: Any, record: Any) -> str:
        if type(record) is Item:
            shared, own = record
            parts = self.of_product(context, shared)
        elif type(record) is RecordStandIn:
            return record.handed_to(self) if self._is_by_column else record.needed()
        else:
            own = record
            parts = self._found(context, record)
        name = context.reference.join
        if self.own_field is not None and (value := own.get(self.own_field)) is not None:
            before, after = parts
            return f"{name(before)}{self._written(value)}{name(after)}"
        left = iter(parts)
        return "".join(
            [fill(context, record) if run.is_personal else name(next(left)) for run, fill in self._steps],
        )

    def of_product(self, context: Any, shared: dict[str, Any]) -> tuple[Pieces, ...]:
        """The parts that speak of the product, cut where the message is named; between them stands `own_field`."""
        writing, parts = shared[MADE].get(self, _NOTHING)
        return parts if writing is context.writing else self._made(context, shared)

    def _made(self, context: Any, shared: dict[str, Any]) -> tuple[Pieces, ...]:
        """What was made of a record before for readers of the same kind; those of the first kind find it at once."""
        made, writing = shared[MADE], context.writing
        # A renderer keeps one object for each way of writing, and it as long as its records.
        found: tuple[Pieces, ...] | None = made.get((self, id(writing)))
        if found is None:
            found = made[self, id(writing)] = self._product_parts(context, shared)
            made.setdefault(self, (writing, found))
        return found

    def _product_parts(self, context: Any, record: Any) -> tuple[Pieces, ...]:
        """What is the same for all readers of one language, cut where the message is named."""
        context.reference, reference = MESSAGE_MARK, context.reference
        try:
            return tuple(
                tuple(fill(context, record).split(MESSAGE_MARK))
                if run.fields
                else self._same_for_all(context, run, fill)
                for run, fill in self._steps
                if not run.is_personal
            )
        finally:
            context.reference = reference

    def _same_for_all(self, context: Any, run: Run, fill: Fill) -> Pieces:
        """What reads no field of any record, and is the same for all readers of one language."""
        key = (id(run), context.writing)
        if key not in self._constant:
            self._constant[key] = tuple(fill(context, {}).split(MESSAGE_MARK))
        return self._constant[key]

    def _found(self, context: Any, record: Any) -> tuple[Pieces, ...]:
        """For records that stand alone: kept by the values that the card reads."""
        try:
            key = (context.writing, *(record.get(field) for field in self._product_fields))
            parts = self._kept.get(key)
        except TypeError:  # a value that is no key, a list for example
            return self._product_parts(context, record)
        if parts is None:
            parts = self._product_parts(context, record)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = parts
        return parts

"""Stand-ins: values that are not looked at while a template is filled in once for many people.

A stand-in can be put out, passed on, and handed to a filter or to a card; what is put out has a mark in its place,
where each reader's own comes later. All else that a template does with a value has to know it, which raises
`ValueNeededError`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import pass_context, pass_environment, pass_eval_context

from rendering.links import MESSAGE_MARK

if TYPE_CHECKING:
    from rendering.cards import Card

_MARK = "\x04"
# More of what filters make comes of values that are known after all, and are others for each reader.
_MOST_FILTERED = 100
# How Jinja is told, by what it calls that, what a filter is given first.
_PASSING = {"context": pass_context, "environment": pass_environment, "eval_context": pass_eval_context}


class ValueNeededError(Exception):
    """The template does more with values than it can without knowing them."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(*sorted(names))
        self.names = names


class Named(NamedTuple):
    """The value of a name."""

    name: str


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a filter makes of values, with stand-ins among what it is given. `passed` says what it is given first, as
    Jinja's decorators `pass_context` and so on ask for it."""

    function: Callable[..., Any]
    passed: str | None
    given: tuple[Any, ...]


class Handed(NamedTuple):
    """What a card makes of the record at a place of a list."""

    card: Card
    name: str
    place: int


class Marks:
    """What comes in the marks' places, by their numbers."""

    def __init__(self) -> None:
        self.of: list[Named | Filtered | Handed] = []
        # The numbers of all that filters were asked for, put out or not: each may fail for a value.
        self.asked: set[int] = set()
        self._numbers: dict[Hashable, int] = {}
        self._filtered = 0
        # What no template and no value can hold but by chance.
        self._opening = f"{_MARK}{secrets.token_hex(8)}:"
        self._pattern = re.compile(f"({MESSAGE_MARK}|{self._opening}[0-9]+{_MARK})")

    def named(self, name: str) -> StandIn:
        """Stands for the value of a name."""
        return StandIn(self, self._number(name, Named(name)), frozenset((name,)))

    def filtered(
        self, function: Callable[..., Any], passed: str | None, given: tuple[Any, ...], named: Mapping[str, Any]
    ) -> StandIn:
        """Stands for what a filter makes of what it is given."""
        reads = frozenset[str]().union(*(each.reads for each in given if isinstance(each, StandIn)))
        key = (function, *map(_exact, given), *((name, _exact(value)) for name, value in named.items()))
        if key not in self._numbers and self._filtered >= _MOST_FILTERED:
            raise ValueNeededError(reads)
        filtered = Filtered(partial(function, **named) if named else function, passed, given)
        number = self._number(key, filtered)
        self._filtered += self.of[number] is filtered
        self.asked.add(number)
        return StandIn(self, number, reads)

    def handed(self, card: Card, name: str, place: int) -> str:
        """The mark for what a card makes of a record."""
        handed = Handed(card, name, place)
        return self.mark(self._number(handed, handed))

    def mark(self, number: int) -> str:
        """What stands in the place of what has this number."""
        return f"{self._opening}{number}{_MARK}"

    def cut(self, text: str) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
        """The pieces of `text`, and the numbers of what comes between them; None is the message's reference."""
        parts = self._pattern.split(text)
        start = len(self._opening)
        return tuple(parts[::2]), tuple(None if each == MESSAGE_MARK else int(each[start:-1]) for each in parts[1::2])

    def _number(self, key: Hashable, what: Named | Filtered | Handed) -> int:
        number = self._numbers.setdefault(key, len(self.of))
        if number == len(self.of):
            self.of.append(what)
        return number


def exact(value: Any) -> Hashable:
    """What a value is found by: 1 and 1.0 are equal, and not written alike."""
    return value if type(value) is str else (type(value), repr(value))


def _exact(value: Any) -> Hashable:
    return (StandIn, value.number) if isinstance(value, StandIn) else exact(value)


class StandIn:
    """Stands for each reader's own value, which is made of those that it `reads`."""

    __slots__ = ("marks", "number", "reads")

    def __init__(self, marks: Marks, number: int, reads: frozenset[str]) -> None:
        self.marks = marks
        self.number = number
        self.reads = reads

    @property
    def mark(self) -> str:
        """What stands where it is put out."""
        return self.marks.mark(self.number)

    def needed(self, *_: Any, **__: Any) -> Any:
        """Says that the value has to be known."""
        raise ValueNeededError(self.reads)

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __call__ = needed
    __str__ = __repr__ = __format__ = __html__ = needed
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = needed
    __int__ = __float__ = __index__ = __round__ = __neg__ = __pos__ = __abs__ = needed
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = needed
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = needed


class RecordStandIn(StandIn):
    """Stands for a record at a place of every reader's list, which is there; it can be handed to a card alone."""

    __slots__ = ("_name", "_place")

    def __init__(self, marks: Marks, name: str, place: int) -> None:
        super().__init__(marks, -1, frozenset((name,)))
        self._name = name
        self._place = place

    def handed_to(self, card: Card) -> str:
        """The mark for what the card makes of the record."""
        return self.marks.handed(card, self._name, self._place)

    def __bool__(self) -> bool:
        return True

    get = fields = StandIn.needed


class RecordsStandIn(list[RecordStandIn]):
    """Stands for a list of so many records; it can be gone through, and handed to a filter."""

    __slots__ = ("whole",)

    def __init__(self, marks: Marks, name: str, length: int) -> None:
        super().__init__(RecordStandIn(marks, name, place) for place in range(length))
        self.whole = marks.named(name)


def by_column(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter for values that may be stand-ins."""
    passed = getattr(function, "jinja_pass_arg", None)

    def filtered(*given: Any, **named: Any) -> Any:
        values = given if passed is None else given[1:]
        if not any(isinstance(each, StandIn) for each in values):
            try:
                return function(*given, **named)
            except ValueNeededError:
                if not any(isinstance(each, RecordsStandIn) for each in values):
                    raise
                values = tuple(each.whole if isinstance(each, RecordsStandIn) else each for each in values)
        stand_ins = [each for each in values if isinstance(each, StandIn)]
        if any(type(each) is RecordStandIn for each in stand_ins):
            raise ValueNeededError(frozenset[str]().union(*(each.reads for each in stand_ins)))
        return stand_ins[0].marks.filtered(function, passed and passed.name, values, named)

    return _PASSING[passed.name](filtered) if passed else filtered


def put_out_by_column(put_out: Callable[[Any], str]) -> Callable[[Any], str]:
    """`put_out` for values that may be stand-ins."""
    return lambda value: value.mark if type(value) is StandIn else put_out(value)


def joined_by_column(joined: Callable[[tuple[Any, ...]], str]) -> Callable[[tuple[Any, ...]], Any]:
    """What `~` makes of values that may be stand-ins."""
    one_by_one = by_column(lambda *parts: joined(parts))
    return lambda parts: one_by_one(*parts)


def of_known(test: Callable[..., bool]) -> Callable[..., bool]:
    """A test of Jinja's for values that may be stand-ins."""
    return lambda value, *others: value.needed() if isinstance(value, StandIn) else test(value, *others)

"""Arrow columns as codes and the distinct values that they stand for: what is the same for many is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from rendering.cards import MADE, PERSONAL
from rendering.items import Item
from rendering.tokens import MAX_ITEMS, clean

# Distinct products that are remembered with what was made of them, about 2 KB each: more no longer stay in any
# cache of the processor, and cost more to find than to make again.
_KEPT_RECORDS = 16_384
_ENOUGH = 1 << 62
_DENSE = 4


class Column(NamedTuple):
    """`values[codes[row]]` is a row's value."""

    codes: np.ndarray
    values: Sequence[Any]

    @classmethod
    def of_rows(cls, values: Sequence[Any]) -> Column:
        """A value of its own for each row."""
        return cls(np.arange(len(values)), values)

    @classmethod
    def of_all(cls, value: Any, rows: int) -> Column:
        """One value for all rows."""
        return cls(np.zeros(rows, dtype=np.int64), [value])

    def rows(self) -> list[Any]:
        """The value of each row."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]

    def taken(self, rows: np.ndarray) -> Column:
        """The column of some rows alone."""
        return self._replace(codes=self.codes[rows])


class Records(NamedTuple):
    """A column of lists of records. Row `row` has those from `starts[row]`, `lengths[row]` of them."""

    starts: np.ndarray
    lengths: np.ndarray
    # The fields that a record shares with others, as one dict, and the person's own, by their names.
    shared: Column
    own: Mapping[str, Column]

    def rows(self) -> list[list[Item]]:
        """The records of each row."""
        count = len(self.shared.codes)
        own = _combined(self.own, count, lambda values: {**dict(zip(self.own, values, strict=True)), MADE: {}})
        items = list(map(Item, zip(self.shared.rows(), own.rows(), strict=True)))
        ends = (self.starts + self.lengths).tolist()
        return [items[start:end] for start, end in zip(self.starts.tolist(), ends, strict=True)]


class RecordReader:
    """Reads columns of records; what it learns of those in one batch serves the next."""

    def __init__(self, reads: Callable[[str], bool]) -> None:
        self._reads = reads
        # Each distinct one by its values, and in the order of their numbers.
        self._known: dict[tuple[Any, ...], int] = {}
        self._parts: list[dict[str, Any]] = []

    def read(self, column: pa.ListArray) -> Records:
        """The records of each row, with those fields that templates read. Those that are the same in all but what is
        the person's own share what cards make of them; each distinct one is cleaned once."""
        offsets = column.offsets.to_numpy()
        inner = column.values.slice(offsets[0], offsets[-1] - offsets[0])
        columns = {field.name: encoded(inner.field(field.name)) for field in inner.type if self._reads(field.name)}
        own = {name: each for name, each in columns.items() if name in PERSONAL}
        shared = {name: each for name, each in columns.items() if name not in PERSONAL}
        if len(self._known) > _KEPT_RECORDS:
            self._known, self._parts = {}, []
        # 1 and 1.0 are equal, and not written alike.
        kinds = tuple((name, str(inner.type.field(name).type)) for name in shared)
        numbers = _combined(shared, len(inner), lambda values: self._number(tuple(shared), kinds, values))
        codes = np.array(numbers.values, dtype=np.int64)[numbers.codes]
        bounds = (offsets - offsets[0]).astype(np.int64)
        lengths = np.minimum(np.diff(bounds), MAX_ITEMS)
        if column.null_count:
            # What a list that is null spans, if anything, is nobody's.
            lengths = np.where(column.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
        return Records(bounds[:-1], lengths, Column(codes, self._parts), own)

    def _number(self, names: tuple[str, ...], kinds: tuple[tuple[str, str], ...], values: tuple[Any, ...]) -> int:
        number = self._known.setdefault((kinds, *values), len(self._parts))
        if number == len(self._parts):
            self._parts.append({**dict(zip(names, values, strict=True)), MADE: {}})
        return number


def _combined(columns: Mapping[str, Column], count: int, make: Callable[[tuple[Any, ...]], Any]) -> Column:
    """What `make` makes of each distinct combination of values."""
    if not columns:
        return Column.of_all(make(()), count)
    first, which = distinct([column.codes for column in columns.values()], count)
    values = zip(*(column.taken(first).rows() for column in columns.values()), strict=True)
    return Column(which, list(map(make, values)))


def encoded(column: pa.Array) -> Column:
    """A column with its texts cleaned."""
    coded = column.dictionary_encode(null_encoding="encode")
    found = coded.dictionary.to_pylist()
    # Most texts need no cleaning, and to ask costs less than to call.
    values = [v if type(v) is not str or (len(v) < 100 and v.isprintable()) else clean(v) for v in found]
    return Column(coded.indices.to_numpy(zero_copy_only=False), values)


def distinct(columns: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct combination of codes stands first, and which of them each row has."""
    combined, size = np.zeros(count, dtype=np.int64), 1
    for codes in columns:
        width = int(codes.max(initial=0)) + 1
        if width == 1:
            continue
        if size * width >= _ENOUGH:
            _, combined = np.unique(combined, return_inverse=True)
            size = int(combined.max(initial=0)) + 1
        combined = combined * width + codes
        size *= width
    if size > _DENSE * count:
        _, first, which = np.unique(combined, return_index=True, return_inverse=True)
        return first, which
    # Where there is a place for each combination, to sort them takes ten times as long.
    first_of = np.full(size, count)
    first_of[combined[::-1]] = np.arange(count - 1, -1, -1)
    there = np.flatnonzero(first_of < count)
    numbers = np.empty(size, dtype=np.int64)
    numbers[there] = np.arange(len(there))
    return first_of[there], numbers[combined]

"""Texts that many messages are made of, not joined yet: what several of them share is there but once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any, AnyStr, Generic, NamedTuple, TypeAlias, cast

import numpy as np


class Texts(NamedTuple, Generic[AnyStr]):
    """A text for each row: `values[codes[row]]`; none of them is longer than `longest`."""

    values: Sequence[AnyStr]
    codes: np.ndarray
    longest: int

    @classmethod
    def of(cls, values: Sequence[AnyStr], codes: np.ndarray) -> Texts[AnyStr]:
        """By the values that the codes stand for."""
        return Texts(values, codes, max(map(len, values), default=0))

    def taken(self, rows: np.ndarray) -> Texts[AnyStr]:
        """Those of some rows."""
        return self._replace(codes=self.codes[rows])

    def rows(self) -> Sequence[AnyStr]:
        """The text of each row."""
        codes = self.codes.tolist()
        return itemgetter(*codes)(self.values) if len(codes) > 1 else [self.values[code] for code in codes]


# One text for all rows, or one for each.
Part: TypeAlias = Texts[AnyStr] | AnyStr


class Contents(Generic[AnyStr]):
    """What so many `rows` come to whose texts are made of the same `parts`, one after the other: `str`, or in UTF-8."""

    def __init__(self, parts: Iterable[Part[AnyStr]], rows: int) -> None:
        self.parts: list[Part[AnyStr]] = []
        self.rows = rows
        for each in parts:
            part = _same_for_all(each)
            if isinstance(part, Texts) or not self.parts or isinstance(self.parts[-1], Texts):
                if isinstance(part, Texts) or part:
                    self.parts.append(part)
            else:
                self.parts[-1] += part

    def taken(self, rows: np.ndarray) -> Contents[AnyStr]:
        """Those of some rows."""
        if len(rows) == self.rows and (rows == np.arange(self.rows)).all():
            return self
        known: dict[int, np.ndarray] = {}
        parts: list[Part[AnyStr]] = []
        for part in self.parts:
            if isinstance(part, Texts):
                if id(part.codes) not in known:
                    known[id(part.codes)] = part.codes[rows]
                parts.append(part._replace(codes=known[id(part.codes)]))
            else:
                parts.append(part)
        return Contents(parts, len(rows))

    def longest(self) -> int:
        """None of them is longer; most are shorter."""
        return sum(part.longest if isinstance(part, Texts) else len(part) for part in self.parts)

    def columns(self) -> list[Sequence[AnyStr]]:
        """Of each part the text of each row."""
        # The same texts come more than once, as a message's reference does in each of its links.
        known: dict[tuple[int, int], Sequence[AnyStr]] = {}
        found: list[Sequence[AnyStr]] = []
        for part in self.parts:
            if isinstance(part, Texts):
                key = (id(part.values), id(part.codes))
                if key not in known:
                    known[key] = part.rows()
                found.append(known[key])
            else:
                found.append([part] * self.rows)
        return found

    def joined(self, nothing: AnyStr) -> list[AnyStr]:
        """The text of each row."""
        return list(map(nothing.join, zip(*self.columns(), strict=True))) if self.parts else [nothing] * self.rows


def _same_for_all(part: Part[AnyStr]) -> Part[AnyStr]:
    """A text for each row that is the same for all rows is one text."""
    if not isinstance(part, Texts) or len(part.values) > 1:
        return part
    text = part.values[0]
    # Markup would escape what is put after it.
    return cast("AnyStr", text if isinstance(text, bytes) else str(text))


class Content:
    """One of `contents`; `bytes` of it are its text in UTF-8, `len` how many they are."""

    __slots__ = ("_size", "contents", "row")

    def __init__(self, contents: Contents[Any], row: int, size: int | None = None) -> None:
        self.contents = contents
        self.row = row
        self._size = size

    def __len__(self) -> int:
        return len(bytes(self)) if self._size is None else self._size

    def __bytes__(self) -> bytes:
        parts: Iterable[Any] = (
            part.values[part.codes[self.row]] if isinstance(part, Texts) else part for part in self.contents.parts
        )
        return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)


def interleaved(before: Sequence[bytes], contents: Sequence[Content | bytes], at_once: int) -> Iterator[bytes]:
    """Each of the contents, in UTF-8, after what comes before it; so many of them joined at once."""
    start = 0
    for _, alike in groupby(contents, lambda each: id(each.contents) if isinstance(each, Content) else None):
        together = list(alike)
        columns: list[Sequence[bytes]] = [before[start : start + len(together)]]
        if isinstance(together[0], Content):
            rows = np.array([each.row for each in together if isinstance(each, Content)])
            columns += together[0].contents.taken(rows).columns()
        else:
            columns.append([bytes(each) for each in together])
        messages = zip(*columns, strict=True)
        while joined := b"".join(chain.from_iterable(islice(messages, at_once))):
            yield joined
        start += len(together)

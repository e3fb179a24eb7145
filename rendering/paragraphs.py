"""Paragraphs of texts that are kept in JSON and not joined: what `tidy` makes of each, made of their parts.

Where a part begins or ends a paragraph in some messages and not in others, they cannot be told by their parts; such
texts are joined, and told one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from rendering.contents import Contents, Part, Texts
from rendering.json_text import escaped
from rendering.plaintext import PARAGRAPH, tidy

_GAP = escaped("\n\n")
_END = escaped("\n")


class Paragraphs:
    """Tells paragraphs apart; what it finds out about values that come again is remembered until the next batch."""

    def __init__(self) -> None:
        self._known: dict[int, _Told] = {}
        self._before: dict[int, _Told] = {}

    def start(self) -> None:
        """A batch begins: of the one before only what comes again in this one is remembered."""
        self._known, self._before = {}, self._known

    def told(self, contents: Contents[str]) -> Contents[str]:
        """The contents as `paragraphed` gives each of them, in JSON."""
        told = _Telling().told(contents.parts, self)
        if told is not None:
            return Contents([*told, _END], contents.rows)
        texts = [escaped(tidy(_read(text))) + _END for text in contents.joined("")]
        return Contents([Texts.of(texts, np.arange(contents.rows))], contents.rows)

    def values(self, values: Sequence[str]) -> _Told:
        """What is told of each value."""
        key = id(values)
        found = self._known.get(key) or self._before.get(key)
        if found is None or found.values is not values:
            found = _Told(values)
        found.catch_up()
        self._known[key] = found
        return found


class _Told:
    """Values, and for each its own paragraphs without what is `around` them: blanks and marks before and after."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = values
        self.cores: list[str] = []
        # Which of the ways that values begin and end each has.
        self.which = np.empty(0, dtype=np.int64)
        self._around: dict[tuple[str, str, bool], int] = {}

    @property
    def around(self) -> list[tuple[str, str, bool]]:
        """What stands before a value's paragraphs and after them, and whether there are any."""
        return list(self._around)

    def catch_up(self) -> None:
        """Tells those values that have come since."""
        which = []
        for value in self.values[len(self.cores) :]:
            # In JSON a mark or the end of a line has a backslash, and a text without one is as it is read.
            before, core, after = "", value, ""
            if "\\" in value or value.strip() != value:
                before, core, after = _taken_apart(_read(value))
                core = escaped(tidy(core))
            self.cores.append(core)
            which.append(self._around.setdefault((before, after, bool(core)), len(self._around)))
        if which:
            self.which = np.concatenate([self.which, which])


class _Telling:
    """One pass over parts."""

    def __init__(self) -> None:
        self._out: list[Part[str]] = []
        # Blanks that are the paragraph's if more of it follows.
        self._held = ""
        self._is_first = True

    def told(self, parts: Sequence[Part[str]], known: Paragraphs) -> list[Part[str]] | None:
        """The parts' paragraphs; None where they cannot be told part by part."""
        for part in parts:
            if isinstance(part, str):
                self._constant(_read(part))
                continue
            told = known.values(part.values)
            which = told.which[part.codes]
            if (which != which[0]).any():
                return None
            before, after, is_there = told.around[which[0]]
            self._constant(before)
            if is_there:
                self._add(part._replace(values=told.cores))
            self._constant(after)
        return self._out

    def _constant(self, text: str) -> None:
        first, *others = text.split(PARAGRAPH)
        self._more(first)
        for chunk in others:
            self._held, self._is_first = "", True
            self._more(chunk)

    def _more(self, chunk: str) -> None:
        if self._is_first:
            chunk = chunk.lstrip()
        core = chunk.rstrip()
        if core:
            self._add(escaped(core))
            chunk = chunk[len(core) :]
        if not self._is_first:
            self._held += chunk

    def _add(self, part: Part[str]) -> None:
        """More of a paragraph, which is no blank."""
        between = _GAP if self._is_first and self._out else escaped(self._held)
        self._out += [between, part] if between else [part]
        self._held, self._is_first = "", False


def _taken_apart(text: str) -> tuple[str, str, str]:
    """A text without the blanks and marks before it and after it, and those."""
    start = end = text
    while (shorter := start.lstrip().lstrip(PARAGRAPH)) != start:
        start = shorter
    while (shorter := end.rstrip().rstrip(PARAGRAPH)) != end:
        end = shorter
    before = text[: len(text) - len(start)]
    return (before, end[len(before) :], text[len(end) :]) if start else (text, "", "")


def _read(text: str) -> str:
    read: str = orjson.loads(f'"{text}"')
    return read

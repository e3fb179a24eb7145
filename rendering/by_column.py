"""Templates filled in for many people at once: what does not depend on the reader is made once for all of them.

A template's segments are filled in with stand-ins, and with real values where one does more with a value than it can
without knowing it: once for each distinct combination of those. What comes of it is cut at the marks, and joined with
the readers' own texts by column. It is the text that filling in for each alone gives, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Template

from rendering.columns import distinct
from rendering.contents import Contents, Part, Texts
from rendering.filling import MAX_ROUNDS, Filling, Values, Writing
from rendering.links import MESSAGE_MARK
from rendering.own_texts import NONE, OwnTexts, Readers
from rendering.sandbox_by_column import ByColumn
from rendering.segments import Segment
from rendering.stand_ins import Handed, Marks, RecordsStandIn, ValueNeededError, exact

# What a segment came to is remembered, so much of it, if each came up so many times on average.
_KEPT = 8_192
_OFTEN = 4


class _Output(NamedTuple):
    """What a segment comes to: pieces of text, and between each two of them the number of what is the reader's own.

    `asked` are the numbers of all that filters were to make for it, and `rounds` those that its loops took."""

    pieces: tuple[str, ...]
    marks: tuple[int | None, ...]
    asked: frozenset[int]
    rounds: int


class _Filled(NamedTuple):
    """What a segment came to, by row; None where it could not be filled in."""

    codes: np.ndarray
    outputs: list[_Output | None]


class Filler:
    """Fills one template in, for batch after batch; fewer than `few` readers of the same shape are not worth it."""

    def __init__(self, env: ByColumn, parts: Sequence[tuple[Segment, Template]], few: int) -> None:
        self._few = few
        self._marks = Marks()
        self._segments = [_Segment(segment, template, self._marks) for segment, template in parts]
        self._texts = OwnTexts(env, self._marks)

    def forget(self) -> None:
        """Remembers no values: the next come from columns of other types."""
        for segment in self._segments:
            segment.forget()

    def filled(self, readers: Readers, fits: np.ndarray) -> Iterator[tuple[np.ndarray, Contents[str]]]:
        """Those rows that fit, and the texts that are theirs. Rows that come with none are not
        filled in by column."""
        filled = [segment.filled(readers) for segment in self._segments]
        self._texts.start(readers, _asked(filled, len(readers)))
        shapes: dict[tuple[int | None, ...], int] = {}
        of_rows = []
        for codes, outputs in filled:
            of_outputs = [NONE if each is None else shapes.setdefault(each.marks, len(shapes)) for each in outputs]
            if min(of_outputs) < max(of_outputs) or NONE in of_outputs:
                of_rows.append(np.array(of_outputs)[codes])
                fits = fits & (of_rows[-1] > NONE)
            if any(each and each.rounds for each in outputs):
                readers.rounds += np.array([each.rounds if each else 0 for each in outputs])[codes]
        fits = fits & (readers.rounds <= MAX_ROUNDS)
        fits &= self._texts.fits()
        first, which = distinct([shape + 1 for shape in of_rows], len(readers))
        for number in range(len(first)):
            rows = np.flatnonzero((which == number) & fits)
            if len(rows) >= self._few:
                yield from self._of_shape(filled, rows)

    def _of_shape(self, filled: Sequence[_Filled], rows: np.ndarray) -> Iterator[tuple[np.ndarray, Contents[str]]]:
        """Rows whose segments have the same marks; those whose cards differ come apart."""
        some = [outputs[codes[rows[0]]] for codes, outputs in filled]
        marks = [number for output in some if output for number in output.marks]
        handed = [each for each in map(self._texts.handed, marks) if each]
        if not handed:
            yield rows, self._contents(filled, rows, {})
            return
        shapes = [self._texts.shapes(each, rows) for each in handed]
        first, which = distinct([shape + 1 for shape in shapes], len(rows))
        for number, at in enumerate(first.tolist()):
            of_cards = {each: int(shape[at]) for each, shape in zip(handed, shapes, strict=True)}
            alike = rows[which == number]
            if min(of_cards.values()) > NONE and len(alike) >= self._few:
                yield alike, self._contents(filled, alike, of_cards)

    def _contents(self, filled: Sequence[_Filled], rows: np.ndarray, shapes: Mapping[Handed, int]) -> Contents[str]:
        parts: list[Part[str]] = []
        own: dict[int | None, Texts[str]] = {None: self._texts.column(None, rows)}
        for codes, outputs in filled:
            of_rows = codes[rows]
            first, which = distinct([of_rows], len(rows))
            made = [each for number in of_rows[first].tolist() if (each := outputs[number])]
            for place, texts in enumerate(zip(*(each.pieces for each in made), strict=True)):
                if place:
                    number = made[0].marks[place - 1]
                    if handed := self._texts.handed(number):
                        parts += (each or own[None] for each in self._texts.card(handed, rows, shapes[handed]))
                    else:
                        own[number] = own.get(number) or self._texts.column(number, rows)
                        parts.append(own[number])
                is_same = texts.count(texts[0]) == len(texts)
                parts.append(texts[0] if is_same else Texts.of(texts, which))
        return Contents(parts, len(rows))


class _Segment:
    """A segment, and what it turned out to need."""

    def __init__(self, segment: Segment, template: Template, marks: Marks) -> None:
        self._template = template
        self._reads = segment.reads
        self._marks = marks
        self._needs: frozenset[str] = frozenset()
        self._kept: dict[Any, _Output] = {}

    def forget(self) -> None:
        self._kept.clear()

    def filled(self, readers: Readers) -> _Filled:
        while True:
            try:
                return self._filled(readers)
            except ValueNeededError as needed:
                assert needed.names - self._needs, "what is known is not needed"
                self._needs |= needed.names
                self.forget()

    def _filled(self, readers: Readers) -> _Filled:
        known = {name: readers.columns[name] for name in self._needs & readers.columns.keys()}
        lists = {name: readers.records[name] for name in self._reads & readers.records.keys()}
        for name in self._needs & lists.keys():
            del lists[name]
            known[name] = readers.whole(name)
        codes = [each.codes for each in (readers.writing, *known.values())] + [each.lengths for each in lists.values()]
        first, which = distinct(codes, len(readers))
        stand_ins = {name: self._marks.named(name) for name in self._reads & readers.columns.keys()}
        is_kept = len(first) * _OFTEN <= len(readers)
        outputs: list[_Output | None] = []
        for row in first.tolist():
            values = {name: column.values[column.codes[row]] for name, column in known.items()}
            lengths = {name: int(records.lengths[row]) for name, records in lists.items()}
            writing = readers.writing.values[readers.writing.codes[row]]
            key = (id(writing), *map(exact, values.values()), *lengths.values()) if is_kept else None
            output = self._kept.get(key) if key else None
            if output is None:
                of_lists = {
                    name: RecordsStandIn(self._marks, name, length) or readers.without[name]
                    for name, length in lengths.items()
                }
                output = self._output(readers, Values({**stand_ins, **values, **of_lists}), writing)
                if key and output:
                    if len(self._kept) >= _KEPT:
                        self._kept.clear()
                    self._kept[key] = output
            outputs.append(output)
        return _Filled(which, outputs)

    def _output(self, readers: Readers, values: Values, writing: Writing) -> _Output | None:
        context = Filling(self._template.environment, values, writing, readers.site, MESSAGE_MARK)
        self._marks.asked = set()
        try:
            text = "".join(self._template.root_render_func(context))
        except ValueNeededError:
            raise
        except Exception:  # for those whom it concerns it is filled in alone, which says what is wrong
            return None
        return _Output(*self._marks.cut(text), frozenset(self._marks.asked), MAX_ROUNDS - context.rounds)


def _asked(filled: Sequence[_Filled], rows: int) -> dict[int, np.ndarray]:
    """For which rows filters were asked, by their numbers: for others they may fail, or take for ever."""
    found: dict[int, np.ndarray] = {}
    for codes, outputs in filled:
        for number in {number for each in outputs if each for number in each.asked}:
            has = np.array([each is not None and number in each.asked for each in outputs])[codes]
            found[number] = found.get(number, False) | has
    return found

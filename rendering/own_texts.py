"""What is each reader's own in a template that is filled in by column, as columns of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from rendering.cards import Card, Pieces
from rendering.columns import Column, Records, distinct
from rendering.contents import Texts
from rendering.filling import Filling, Values, Writing
from rendering.links import MESSAGE_MARK, Site
from rendering.sandbox_by_column import ByColumn
from rendering.stand_ins import Filtered, Handed, Marks, Named, StandIn

# Stands for what could not be made.
NONE = -1


class Readers:
    """What the templates of a batch's readers may read: columns of values, and lists of records."""

    def __init__(self, writing: Column, site: Site, references: Sequence[str]) -> None:
        self.writing = writing
        self.site = site
        self.references = Texts.of(references, np.arange(len(references)))
        self.columns: dict[str, Column] = {}
        self.records: dict[str, Records] = {}
        # What those read who have no record in a list.
        self.without: dict[str, Any] = {}
        # How often the loops of all templates went round for each.
        self.rounds = np.zeros(len(writing.codes), dtype=np.int64)
        self._whole: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(self.writing.codes)

    def whole(self, name: str) -> Column:
        """A name's values: a list's for each row by itself."""
        if name in self.columns:
            return self.columns[name]
        if name not in self._whole:
            without = self.without[name]
            self._whole[name] = Column.of_rows([each or without for each in self.records[name].rows()])
        return self._whole[name]


class OwnTexts:
    """The texts of one template's marks, for one batch after the other."""

    def __init__(self, env: ByColumn, marks: Marks) -> None:
        self._env = env
        self._marks = marks
        self._cards: dict[tuple[Card, str], CardTexts] = {}

    def start(self, readers: Readers, asked: Mapping[int, np.ndarray]) -> None:
        """Speaks of these readers from now on. `asked` are the rows for which each filter is needed."""
        self._readers = readers
        self._asked = asked
        self._columns: dict[int, Column] = {}
        self._texts: dict[int, Texts[str]] = {}
        self._started: set[tuple[Card, str]] = set()

    def fits(self) -> np.ndarray:
        """For which rows there is all that filters were asked for."""
        fits = np.ones(len(self._readers), dtype=bool)
        for number, asked in self._asked.items():
            column = self._column(number)
            failed = [isinstance(value, Exception) for value in column.values]
            if any(failed):
                fits &= ~(asked & np.array(failed)[column.codes])
        return fits

    def column(self, number: int | None, rows: np.ndarray) -> Texts[str]:
        """The texts of some rows; those of None are the messages' references."""
        if number is None:
            return self._readers.references.taken(rows)
        if number not in self._texts:
            self._texts[number] = self._text(self._column(number))
        return self._texts[number].taken(rows)

    def handed(self, number: int | None) -> Handed | None:
        """The record and the card that are meant, if a card is."""
        what = None if number is None else self._marks.of[number]
        return what if isinstance(what, Handed) else None

    def shapes(self, handed: Handed, rows: np.ndarray) -> np.ndarray:
        """In which shape the card comes for each row; NONE where it does not."""
        return self._card(handed).shapes(rows, handed.place)

    def card(self, handed: Handed, rows: np.ndarray, shape: int) -> Iterator[Texts[str] | None]:
        """The texts of a card for rows where it has one shape; None stands for the message's reference."""
        return self._card(handed).texts(rows, handed.place, shape)

    def _card(self, handed: Handed) -> CardTexts:
        key = (handed.card, handed.name)
        if key not in self._cards:
            self._cards[key] = CardTexts(handed.card, self._env)
        if key not in self._started:
            self._started.add(key)
            self._cards[key].start(self._readers, self._readers.records[handed.name])
        return self._cards[key]

    def _text(self, column: Column) -> Texts[str]:
        values = column.values
        if any(isinstance(value, Exception) for value in values):
            values = ["" if isinstance(value, Exception) else value for value in values]
        texts = self._env.put_out_all(values)
        if MESSAGE_MARK in "".join(texts):
            references = self._readers.references.values
            of_rows = [texts[code] for code in column.codes.tolist()]
            own = list(map(str.replace, of_rows, [MESSAGE_MARK] * len(of_rows), references))
            return Texts.of(own, np.arange(len(of_rows)))
        return Texts.of(texts, column.codes)

    def _column(self, number: int) -> Column:
        if number not in self._columns:
            what = self._marks.of[number]
            assert not isinstance(what, Handed)
            self._columns[number] = (
                self._readers.whole(what.name) if isinstance(what, Named) else self._filtered(number, what)
            )
        return self._columns[number]

    def _filtered(self, number: int, what: Filtered) -> Column:
        """What a filter makes of each distinct combination of what it is given, or the error that it raises."""
        given = [self._column(each.number) if isinstance(each, StandIn) else each for each in what.given]
        given = [*self._passed(what.passed), *given]
        rows = np.flatnonzero(self._asked[number])
        first, which = distinct([each.codes[rows] for each in given if isinstance(each, Column)], len(rows))
        of_first = [each.taken(rows[first]).rows() if isinstance(each, Column) else repeat(each) for each in given]
        try:
            values = list(map(what.function, *of_first))
        except Exception:
            values = [_tried(what.function, now) for now in zip(*of_first, strict=False)]
        codes = np.zeros(len(self._readers), dtype=np.int64)
        codes[rows] = which
        return Column(codes, values)

    def _passed(self, what: str | None) -> list[Any]:
        if what == "context":
            writing = self._readers.writing
            return [writing._replace(values=[_context(self._env, self._readers, each) for each in writing.values])]
        return [] if what is None else [self._env if what == "environment" else self._env.evaluation]


def _tried(function: Callable[..., Any], given: Sequence[Any]) -> Any:
    try:
        return function(*given)
    except Exception as error:  # for those whom it concerns it is filled in alone, which says what is wrong
        return error


class CardTexts:
    """What a card makes of the records of one list; what it made for one batch serves the next."""

    def __init__(self, card: Card, env: ByColumn) -> None:
        self._card = card
        self._env = env
        self._products: Sequence[Any] = ()

    def start(self, readers: Readers, records: Records) -> None:
        """Speaks of these readers' records from now on."""
        if records.shared.values is not self._products:
            self._products = records.shared.values
            self._numbers: dict[int, np.ndarray] = {}
            self._made: list[tuple[Pieces, ...] | None] = []
            self._shapes: dict[tuple[int, ...], int] = {}
            self._shape_of = np.empty(0, dtype=np.int64)
            self._pieces: dict[tuple[int, int, int], _Piece] = {}
        self._records = records
        writing = self._written(readers)
        self._which = np.full(len(writing), NONE, dtype=np.int64)
        for of_writing in np.unique(writing[writing > NONE]).tolist():
            of_one = writing == of_writing
            products = records.shared.codes[of_one]
            self._which[of_one] = self._numbers_of(readers, readers.writing.values[of_writing], products)
        of_new = [NONE if each is None else self._shape(each) for each in self._made[len(self._shape_of) :]]
        self._shape_of = np.concatenate([self._shape_of, np.array(of_new, dtype=np.int64)])
        self._own = self._own_texts(records)

    def shapes(self, rows: np.ndarray, place: int) -> np.ndarray:
        """In which shape it comes for the record at a place of each row's list; NONE where it does not."""
        if self._card.own_field is not None and self._own is None:
            return np.full(len(rows), NONE)
        return self._shape_of[self._which[self._records.starts[rows] + place]]

    def texts(self, rows: np.ndarray, place: int, shape: int) -> Iterator[Texts[str] | None]:
        """Its texts for rows where it has that shape; None stands for the message's reference."""
        at = self._records.starts[rows] + place
        codes = self._which[at]
        for part, count in enumerate(list(self._shapes)[shape]):
            if part:
                assert self._own is not None
                yield self._own.taken(at)
            for number in range(count):
                if number:
                    yield None
                yield self._piece(shape, part, number, codes)

    def _written(self, readers: Readers) -> np.ndarray:
        """For each record its reader's way of writing; NONE for what lies between lists, and is nobody's."""
        writing = np.full(len(self._records.shared.codes), NONE, dtype=np.int64)
        for place in range(int(self._records.lengths.max(initial=0))):
            has = self._records.lengths > place
            writing[self._records.starts[has] + place] = readers.writing.codes[has]
        return writing

    def _numbers_of(self, readers: Readers, writing: Writing, products: np.ndarray) -> np.ndarray:
        """By which numbers what was made of the products for one way of writing is found."""
        known = self._numbers.get(id(writing), np.empty(0, dtype=np.int64))
        if len(known) < len(self._products):
            more = np.full(len(self._products) - len(known), NONE, dtype=np.int64)
            known = self._numbers[id(writing)] = np.concatenate([known, more])
        for product in np.unique(products[known[products] == NONE]).tolist():
            known[product] = len(self._made)
            self._made.append(self._make(readers, writing, self._products[product]))
        return known[products]

    def _make(self, readers: Readers, writing: Writing, product: dict[str, Any]) -> tuple[Pieces, ...] | None:
        try:
            return self._card.of_product(_context(self._env, readers, writing), product)
        except Exception:  # for those whom it concerns it is filled in alone, which says what is wrong
            return None

    def _shape(self, made: tuple[Pieces, ...]) -> int:
        return self._shapes.setdefault(tuple(map(len, made)), len(self._shapes))

    def _own_texts(self, records: Records) -> Texts[str] | None:
        field = self._card.own_field
        if field is None or field not in records.own:
            return None
        column = records.own[field]
        return Texts.of(self._env.put_out_all(column.values), column.codes)

    def _piece(self, shape: int, part: int, number: int, codes: np.ndarray) -> Texts[str]:
        """A piece of all that was made, empty where that has another shape; for records by what was made of them."""
        key = (shape, part, number)
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._pieces[key] = _Piece()
        told = len(piece.values)
        if told < len(self._made):
            shapes = zip(self._made[told:], (self._shape_of[told:] == shape).tolist(), strict=True)
            piece.add([made[part][number] if made and is_so else "" for made, is_so in shapes])
        return piece.texts(codes)


class _Piece:
    """A piece of a card, for each record that it was made of."""

    def __init__(self) -> None:
        # The list itself grows: what was found out about its values holds for them.
        self.values: list[str] = []
        self._longest = 0
        self._is_same = True

    def add(self, texts: list[str]) -> None:
        """More records' piece, of one or more."""
        self.values += texts
        self._longest = max(self._longest, *map(len, texts))
        self._is_same = self._is_same and texts.count(self.values[0]) == len(texts)

    def texts(self, codes: np.ndarray) -> Texts[str]:
        """The pieces of some records, by their numbers."""
        if self._is_same:
            return Texts(self.values[:1], np.zeros(len(codes), dtype=np.int64), self._longest)
        return Texts(self.values, codes, self._longest)


def _context(env: ByColumn, readers: Readers, writing: Writing) -> Filling:
    return Filling(env, Values(), writing, readers.site, MESSAGE_MARK)

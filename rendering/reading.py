"""What a campaign's messages need of a batch of records, read by column and checked."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from rendering.columns import Column, RecordReader, Records
from rendering.derived import derive, is_derived, sources
from rendering.errors import TokenError
from rendering.parts import Token
from rendering.payload import FAULTS, MESSAGE_FIELDS, Recipient, decided
from rendering.templates import Compiled
from rendering.tokens import WRITING_FIELDS, locale_of, read, writing


class Reading:
    """Reads one campaign's batches; what it learns of products in one batch serves the next.

    The columns are those of a record: `message_id`, `person_id`, `occurrence`, `variant`, `email`; `slots`, a struct
    with the block of each slot; the declared tokens; `language`, `country`, `currency`, `timezone`. A value that is
    wrong is the error that says so, in its place."""

    def __init__(self, compiled: Compiled, reads: Callable[[str], bool]) -> None:
        self._campaign = compiled.campaign
        self._compiled = compiled
        self._records = RecordReader(reads)
        # One object for each way of writing: what is made of products for its readers is found by it.
        self._writings: dict[Hashable, Any] = {}
        self._decided: dict[Hashable, Any] = {}

    def recipients(self, batch: pa.RecordBatch) -> list[Recipient]:
        """Whose message each row is, and which."""
        ids, *others = (_texts(batch, name) for name in MESSAGE_FIELDS)
        return list(map(Recipient, map(str, ids), *others))

    def writing(self, batch: pa.RecordBatch) -> Column:
        """How values are written for each row."""

        def written(how: tuple[Any, ...]) -> Any:
            return writing(dict(zip(WRITING_FIELDS, how, strict=True)), self._campaign)

        rows = zip(*(_texts(batch, name) for name in WRITING_FIELDS), strict=True)
        return _coded(rows, self._writings, written)

    def slots(self, batch: pa.RecordBatch) -> Column:
        """The blocks that each row is shown."""
        names = list(self._compiled.blocks)
        if not names:
            return Column.of_all({}, batch.num_rows)
        column = batch.column("slots") if "slots" in batch.schema.names else pa.nulls(batch.num_rows)
        known = {field.name for field in column.type} if pa.types.is_struct(column.type) else set()
        chosen = [
            _plain(column.field(name)) if name in known and not column.null_count else _entries(column, name)
            for name in names
        ]

        def blocks(of_row: tuple[Any, ...]) -> Any:
            return decided(self._compiled, dict(zip(names, of_row, strict=True)))

        return _coded(zip(*chosen, strict=True), self._decided, blocks)

    def records(self, batch: pa.RecordBatch, token: Token) -> Records | None:
        """The records of a token that is a list of such; None for any other."""
        column = batch.column(token.name) if token.name in batch.schema.names else None
        return None if column is None or not _is_of_records(column) else self._records.read(column)

    def column(self, batch: pa.RecordBatch, token: Token) -> Column:
        """A token's values, with what is the same for many once where that is seen."""
        if token.name not in batch.schema.names:
            is_made = is_derived(token.name)
            return (
                Column.of_rows(self.values(batch, token)) if is_made else Column.of_all(_read(token, None), len(batch))
            )
        column = batch.column(token.name)
        if pa.types.is_nested(column.type) or pa.types.is_floating(column.type):
            return Column.of_rows(self.values(batch, token))
        coded = _plain_column(column).dictionary_encode(null_encoding="encode")
        values = [_read(token, value) for value in coded.dictionary.to_pylist()]
        return Column(coded.indices.to_numpy(zero_copy_only=False), values)

    def values(self, batch: pa.RecordBatch, token: Token) -> list[Any]:
        """A token's value for each row."""
        if token.name not in batch.schema.names and is_derived(token.name):
            return self._derived(batch, token)
        if token.name not in batch.schema.names:
            return [_read(token, None)] * batch.num_rows
        column = batch.column(token.name)
        if _is_of_records(column):
            return [items if items else _read(token, None) for items in self._records.read(column).rows()]
        if token.type == "text" and pa.types.is_string(column.type):
            empty = _read(token, None)
            return [
                empty
                if text is None
                else text
                if text.isprintable() and len(text) < 100 and text[:1] != " " != text[-1:] and text
                else _read(token, text)
                for text in column.to_pylist()
            ]
        return [_read(token, value) for value in column.to_pylist()]

    def _derived(self, batch: pa.RecordBatch, token: Token) -> list[Any]:
        names = [name for name in sources(token.name) if name in batch.schema.names]
        columns = [
            self._records.read(column).rows() if pa.types.is_list(column.type) else column.to_pylist()
            for column in map(batch.column, names)
        ]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] or [{}] * batch.num_rows
        languages, countries = _texts(batch, "language"), _texts(batch, "country")
        return [
            _read(token, derive(token.name, row.get, locale_of(self._campaign, language, country)))
            for row, language, country in zip(rows, languages, countries, strict=True)
        ]


def empty(token: Token) -> Any:
    """What those have of a token who have no value, or the error that says that they need one."""
    return _read(token, None)


def _coded(rows: Iterable[Hashable], known: dict[Hashable, Any], make: Callable[[Any], Any]) -> Column:
    """What `make` makes of each row, or the error that it raises; `known` is what it made before."""
    numbers: dict[Hashable, int] = {}
    codes = [numbers.setdefault(row, len(numbers)) for row in rows]
    for row in numbers:
        if row not in known:
            try:
                known[row] = make(row)
            except FAULTS as error:
                known[row] = error
    return Column(np.array(codes, dtype=np.int64), [known[row] for row in numbers])


def _is_of_records(column: pa.Array) -> bool:
    return bool(pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type))


def _texts(batch: pa.RecordBatch, name: str) -> list[Any]:
    return _plain(batch.column(name)) if name in batch.schema.names else [None] * batch.num_rows


def _plain(column: pa.Array) -> list[Any]:
    found: list[Any] = _plain_column(column).to_pylist()
    return found


def _plain_column(column: pa.Array) -> pa.Array:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _entries(column: pa.Array, name: str) -> list[Any]:
    return [entry.get(name) if isinstance(entry, Mapping) else None for entry in column.to_pylist()]


def _read(token: Token, value: Any) -> Any:
    """The value, or the error that says what is wrong with it: it is raised for the row that it spoils."""
    try:
        return read(token, value)
    except TokenError as error:
        return error

"""Messages from Arrow batches: values are read by column, products once for all their readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from rendering.cards import MADE, PERSONAL
from rendering.derived import derive, is_derived, sources
from rendering.errors import RenderError, TokenError
from rendering.filling import Values, Writing
from rendering.items import Item
from rendering.links import Site
from rendering.merge_data import MergeData
from rendering.parts import Token
from rendering.payload import FAULTS, MESSAGE_FIELDS, Payload, Recipient, decided, message, reason
from rendering.templates import Compiled
from rendering.tokens import MAX_ITEMS, WRITING_FIELDS, clean, locale_of, read, writing

# Distinct products that are remembered with what was made of them, about 2 KB each: more no longer stay in any
# cache of the processor, and cost more to find than to make again.
_KEPT_RECORDS = 16_384
_ENOUGH = 1 << 62
# Rows whose columns are read at a time.
_ROWS = 500

Encoded = tuple[np.ndarray, np.ndarray]


class Renderer:
    """Renders one campaign's batches; what it learns of products in one batch serves the next.

    With `as_merge_data`, a campaign whose template the vendor keeps gets what that template fills in. Messages that
    `are_kept` come with their content as it is kept, in `data`."""

    def __init__(self, compiled: Compiled, site: Site, *, as_merge_data: bool = False, are_kept: bool = False) -> None:
        self._compiled = compiled
        self._site = site
        is_merged = as_merge_data and compiled.campaign.dynamic_template is not None
        self._are_kept = are_kept or is_merged
        self._merge_data = MergeData(compiled.campaign, site) if is_merged else None
        self._known: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._writings: dict[tuple[Any, ...], Writing] = {}
        self._decided: dict[tuple[Any, ...], dict[str, str] | TokenError] = {}

    def render(self, batch: pa.RecordBatch) -> Iterator[Payload | RenderError]:
        """A payload, or what is wrong, for each row of `batch`, in their order, a few rows at a time.

        The columns are those of a record: `message_id`, `person_id`, `occurrence`, `variant`, `email`; `slots`, a
        struct with the block of each slot; the declared tokens; `language`, `country`, `currency`, `timezone`."""
        for start in range(0, batch.num_rows, _ROWS):
            yield from self._rendered(batch.slice(start, _ROWS))

    def _rendered(self, batch: pa.RecordBatch) -> Iterator[Payload | RenderError]:
        tokens = list(self._compiled.campaign.tokens.values())
        names = [token.name for token in tokens]
        columns = [self._token(batch, token) for token in tokens]
        recipients = zip(*(_texts(batch, name) for name in MESSAGE_FIELDS), strict=True)
        written = zip(*(_texts(batch, name) for name in WRITING_FIELDS), strict=True)
        slots = self._slots(batch)
        rows = zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)
        for to, row, how, chosen in zip(recipients, rows, written, slots, strict=True):
            yield self._message(to, Values(zip(names, row, strict=True)), row, how, chosen)

    def _message(
        self, to: tuple[Any, ...], values: Values, row: tuple[Any, ...], how: tuple[Any, ...], slots: Any
    ) -> Payload | RenderError:
        message_id, person_id, occurrence, variant, email = to
        campaign = self._compiled.campaign
        try:
            if not (person_id and occurrence and email):
                missing = [name for name in ("person_id", "occurrence", "email") if not to[MESSAGE_FIELDS.index(name)]]
                raise TokenError(f"{missing[0]} is missing")
            if type(slots) is TokenError:
                raise slots
            for value in row:
                if type(value) is TokenError:
                    raise value
            written = self._writings.get(how)
            if written is None:
                written = self._writings[how] = writing(dict(zip(WRITING_FIELDS, how, strict=True)), campaign)
            recipient = Recipient(str(message_id), person_id, occurrence, variant, email)
            data, is_kept = self._merge_data, self._are_kept
            return message(self._compiled, recipient, values, written, slots, self._site, data, is_kept=is_kept)
        except RenderError as error:
            return error
        except FAULTS as error:
            return RenderError(str(message_id), campaign.name, reason(error))

    def _token(self, batch: pa.RecordBatch, token: Token) -> Sequence[Any]:
        if token.name not in batch.schema.names and is_derived(token.name):
            return self._derived(batch, token)
        if token.name not in batch.schema.names:
            return [_read(token, None)] * batch.num_rows
        column = batch.column(token.name)
        if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type):
            return [items if items else _read(token, None) for items in self._records(column)]
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
            self._records(column) if pa.types.is_list(column.type) else column.to_pylist()
            for column in map(batch.column, names)
        ]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] or [{}] * batch.num_rows
        languages, countries = _texts(batch, "language"), _texts(batch, "country")
        return [
            _read(token, derive(token.name, row.get, locale_of(self._compiled.campaign, language, country)))
            for row, language, country in zip(rows, languages, countries, strict=True)
        ]

    def _slots(self, batch: pa.RecordBatch) -> list[dict[str, str] | TokenError]:
        names = list(self._compiled.blocks)
        if not names:
            return [{}] * batch.num_rows
        column = batch.column("slots") if "slots" in batch.schema.names else pa.nulls(batch.num_rows)
        known = {field.name for field in column.type} if pa.types.is_struct(column.type) else set()
        chosen = [
            _plain(column.field(name)) if name in known and not column.null_count else _entries(column, name)
            for name in names
        ]
        return [self._blocks(names, blocks) for blocks in zip(*chosen, strict=True)]

    def _blocks(self, names: list[str], blocks: tuple[Any, ...]) -> dict[str, str] | TokenError:
        found = self._decided.get(blocks)
        if found is None:
            try:
                found = decided(self._compiled, dict(zip(names, blocks, strict=True)))
            except TokenError as error:
                found = error
            self._decided[blocks] = found
        return found

    def _records(self, column: pa.ListArray) -> list[list[Item]]:
        """The records of each row, with those fields that templates read. Those that are the same in all but what is
        the person's own share what cards make of them; each distinct one is cleaned once."""
        offsets = column.offsets.to_numpy()
        inner = column.values.slice(offsets[0], offsets[-1] - offsets[0])
        names = [field.name for field in inner.type if self._reads(field.name)]
        columns = {name: _encoded(inner.field(name)) for name in names}
        shared = self._parts(columns, [name for name in names if name not in PERSONAL], len(inner))
        own = self._parts(columns, [name for name in names if name in PERSONAL], len(inner))
        records = list(map(Item, zip(shared, own, strict=True)))
        bounds = (offsets - offsets[0]).tolist()
        lists = [records[start : min(end, start + MAX_ITEMS)] for start, end in pairwise(bounds)]
        if not column.null_count:
            return lists
        # What a list that is null spans, if anything, is nobody's.
        return [each if there else [] for each, there in zip(lists, column.is_valid().to_pylist(), strict=True)]

    def _reads(self, field: str) -> bool:
        return self._merge_data.reads(field) if self._merge_data else field in self._compiled.reads

    def _parts(self, columns: dict[str, Encoded], names: list[str], count: int) -> list[dict[str, Any]]:
        """For each record those of its fields that are `names`, equal ones as one dict."""
        if not names:
            return [{MADE: {}}] * count
        first, which = _distinct([columns[name][0] for name in names], count)
        distinct = zip(*(_taken(columns[name][1], columns[name][0][first]) for name in names), strict=True)
        parts = np.empty(len(first), dtype=object)
        parts[:] = [self._part(names, values) for values in distinct]
        return parts[which].tolist()

    def _part(self, names: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
        found = self._known.get(values)
        if found is None:
            if len(self._known) >= _KEPT_RECORDS:
                self._known.clear()
            found = self._known[values] = {**dict(zip(names, values, strict=True)), MADE: {}}
        return found


def _encoded(column: pa.Array) -> Encoded:
    """A column as codes and the distinct values that they stand for, texts cleaned."""
    coded = column.dictionary_encode(null_encoding="encode")
    values = np.empty(len(coded.dictionary), dtype=object)
    found = coded.dictionary.to_pylist()
    # Most texts need no cleaning, and to ask costs less than to call.
    values[:] = [v if type(v) is not str or (len(v) < 100 and v.isprintable()) else clean(v) for v in found]
    return coded.indices.to_numpy(zero_copy_only=False), values


def _taken(values: np.ndarray, codes: np.ndarray) -> list[Any]:
    return values[codes].tolist()


def _distinct(columns: list[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct combination of codes stands first, and which of them each row has."""
    combined, size = np.zeros(count, dtype=np.int64), 1
    for codes in columns:
        width = int(codes.max(initial=0)) + 1
        if size * width >= _ENOUGH:
            _, combined = np.unique(combined, return_inverse=True)
            size = int(combined.max(initial=0)) + 1
        combined = combined * width + codes
        size *= width
    _, first, which = np.unique(combined, return_index=True, return_inverse=True)
    return first, which


def _texts(batch: pa.RecordBatch, name: str) -> list[Any]:
    return _plain(batch.column(name)) if name in batch.schema.names else [None] * batch.num_rows


def _plain(column: pa.Array) -> list[Any]:
    """The values of a column, those that come up again as one object each."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.to_pylist()


def _entries(column: pa.Array, name: str) -> list[Any]:
    return [entry.get(name) if isinstance(entry, Mapping) else None for entry in column.to_pylist()]


def _read(token: Token, value: Any) -> Any:
    """The value, or the error that says what is wrong with it: it is raised for the row that it spoils."""
    try:
        return read(token, value)
    except TokenError as error:
        return error

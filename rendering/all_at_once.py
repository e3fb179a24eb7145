"""A batch's messages made all at once: each template is filled in for all their readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rendering.by_column import Filler
from rendering.columns import Column
from rendering.contents import Content, Contents, Texts
from rendering.filling import MAX_OUTPUT_CHARACTERS
from rendering.json_text import in_json
from rendering.links import Site
from rendering.own_texts import NONE, Readers
from rendering.paragraphs import Paragraphs
from rendering.payload import (
    CLOSING,
    FAULTS,
    HTML,
    SUBJECT,
    TEXT,
    Payload,
    Recipient,
    addressed,
    complete,
    one_line,
    paragraphed,
    payload,
)
from rendering.reading import Reading, empty
from rendering.sandbox_by_column import ByColumn, compile_segments, environment_by_column
from rendering.templates import Compiled

# So many columns are joined for each shape that fewer messages take less one by one.
FEW = 8


class AllAtOnce:
    """Makes what it can of a batch's messages; those that it leaves are to be made one by one.

    It makes the very same messages. What it leaves are those with something wrong, which is to be said as it is said
    of each alone, and those of whose shape there are but a `few`."""

    def __init__(self, compiled: Compiled, site: Site, reading: Reading, *, are_kept: bool, few: int = FEW) -> None:
        self._few = few
        self._compiled = compiled
        self._campaign = compiled.campaign
        self._site = site
        self._reading = reading
        self._are_kept = are_kept
        self._schema: pa.Schema | None = None
        self._templates: dict[str | None, _Templates | None] = {}
        self._paragraphs = Paragraphs()

    def made(self, batch: pa.RecordBatch) -> list[Payload | None]:
        """For each row its payload; None where it is to be made by itself."""
        if batch.schema != self._schema:
            # What was learnt of values is found by them, and 1 is found where True was.
            self._schema = batch.schema
            for templates in self._templates.values():
                for template in templates or ():
                    template.forget()
        found: list[Payload | None] = [None] * batch.num_rows
        to = self._reading.recipients(batch)
        variants: dict[str | None, list[int]] = {}
        for row, recipient in enumerate(to):
            variants.setdefault(recipient.variant, []).append(row)
        for variant, rows in variants.items():
            templates = self._of(variant)
            if templates is not None:
                of_variant = batch if len(variants) == 1 else batch.take(pa.array(rows))
                try:
                    made = self._made(of_variant, [to[row] for row in rows], templates)
                except Exception:  # a type that Arrow cannot join, or two gigabytes: alone it may do, or says why not
                    continue
                for row, each in zip(rows, made, strict=True):
                    found[row] = each
        return found

    def _of(self, variant: str | None) -> _Templates | None:
        """The templates for one variant's readers; None where there is no such variant."""
        if variant not in self._templates:
            subjects = {each.name: each.subject for each in self._campaign.variants}
            is_known = variant is None or not subjects or variant in subjects
            self._templates[variant] = self._cut(subjects.get(variant or "")) if is_known else None
        return self._templates[variant]

    def _cut(self, subject: str | None) -> _Templates:
        return _Templates(
            self._filler(self._plain, subject or self._campaign.subject),
            self._filler(self._plain, self._campaign.preheader),
            self._filler(self._of_text, self._compiled.text_source),
            self._filler(self._escaping, self._compiled.html_source),
        )

    def _filler(self, env: ByColumn, source: str) -> Filler:
        return Filler(env, compile_segments(env, self._campaign, source), self._few)

    @cached_property
    def _plain(self) -> ByColumn:
        return environment_by_column(self._campaign, autoescape=False)

    @cached_property
    def _of_text(self) -> ByColumn:
        return environment_by_column(self._campaign, autoescape=False, is_in_json=self._are_kept)

    @cached_property
    def _escaping(self) -> ByColumn:
        return environment_by_column(self._campaign, autoescape=True, is_in_json=self._are_kept)

    def _made(self, batch: pa.RecordBatch, to: list[Recipient], templates: _Templates) -> list[Payload | None]:
        fits = np.ones(len(to), dtype=bool)
        unsubscribe_urls, preferences_urls, references = self._addressed(to, fits)
        readers = Readers(self._reading.writing(batch), self._site, references)
        columns = readers.columns
        columns["unsubscribe_url"] = Column.of_rows(unsubscribe_urls)
        columns["preferences_url"] = Column.of_rows(preferences_urls)
        columns["hidden_url"] = Column.of_rows(list(map(self._site.hidden_url, references)))
        columns["variant"] = Column.of_all(to[0].variant, len(to))
        columns["slots"] = self._reading.slots(batch)
        self._read(batch, readers)
        for column in (readers.writing, *columns.values()):
            _leave_out(column, fits)
        for name, records in readers.records.items():
            if isinstance(readers.without[name], Exception):
                fits &= records.lengths > 0
        subjects = _texts(templates.subject, readers, one_line, fits)
        columns["subject"] = Column.of_rows(subjects)
        columns["preheader"] = Column.of_rows(_texts(templates.preheader, readers, one_line, fits))
        found: list[Payload | None] = [None] * len(to)
        for row, html, text, data in self._contents(templates, readers, subjects, fits):
            found[row] = payload(self._campaign, to[row], unsubscribe_urls[row], subjects[row], html, text, None, data)
        return found

    def _addressed(self, to: list[Recipient], fits: np.ndarray) -> tuple[list[str], list[str], list[str]]:
        found = []
        for row, each in enumerate(to):
            try:
                complete(each)
                found.append(addressed(each, self._campaign, self._site))
            except FAULTS:
                fits[row] = False
                found.append(("", "", ""))
        unsubscribe_urls, preferences_urls, references = map(list, zip(*found, strict=True))
        return unsubscribe_urls, preferences_urls, references

    def _read(self, batch: pa.RecordBatch, readers: Readers) -> None:
        for token in self._campaign.tokens.values():
            records = self._reading.records(batch, token)
            if records is None:
                readers.columns[token.name] = self._reading.column(batch, token)
            else:
                readers.records[token.name] = records
                readers.without[token.name] = empty(token)

    def _contents(
        self, templates: _Templates, readers: Readers, subjects: list[str], fits: np.ndarray
    ) -> Iterator[tuple[int, str, str, Content | None]]:
        """Rows, and for each its HTML and its text, or all that is kept of it."""
        if self._are_kept:
            for rows, contents in self._kept(templates, readers, subjects, fits):
                yield from ((row, "", "", Content(contents, number)) for number, row in enumerate(rows.tolist()))
        else:
            texts = _texts(templates.text, readers, paragraphed, fits)
            pages = _texts(templates.html, readers, str, fits)
            yield from ((row, pages[row], texts[row], None) for row in np.flatnonzero(fits).tolist())

    def _kept(
        self, templates: _Templates, readers: Readers, subjects: list[str], fits: np.ndarray
    ) -> Iterator[tuple[np.ndarray, Contents[str]]]:
        """Rows, and what is kept of them: JSON, as `kept` gives it."""
        of_subject = Texts.of(list(map(in_json, subjects)), np.arange(len(subjects)))
        self._paragraphs.start()
        of_text = np.full(len(readers), NONE)
        place = np.zeros(len(readers), dtype=np.int64)
        texts: list[Contents[str]] = []
        for rows, contents in templates.text.filled(readers, fits):
            if contents.longest() <= MAX_OUTPUT_CHARACTERS:
                of_text[rows], place[rows] = len(texts), np.arange(len(rows))
                texts.append(self._paragraphs.told(contents))
        fits = fits & (of_text > NONE)
        for of_html, html in templates.html.filled(readers, fits):
            for number in np.unique(of_text[of_html]).tolist():
                is_so = of_text[of_html] == number
                rows = of_html[is_so]
                page, text = html.taken(np.flatnonzero(is_so)), texts[number].taken(place[rows])
                parts = [SUBJECT, of_subject.taken(rows), TEXT, *text.parts, HTML, *page.parts, CLOSING]
                whole = Contents(parts, len(rows))
                if whole.longest() <= MAX_OUTPUT_CHARACTERS:
                    yield rows, whole


class _Templates(NamedTuple):
    subject: Filler
    preheader: Filler
    text: Filler
    html: Filler


def _leave_out(column: Column, fits: np.ndarray) -> None:
    """Takes out the rows whose values are errors."""
    wrong = [isinstance(value, Exception) for value in column.values]
    if any(wrong):
        fits &= ~np.array(wrong)[column.codes]


def _texts(filler: Filler, readers: Readers, finish: Callable[[str], str], fits: np.ndarray) -> list[str]:
    """What a template gives for each row that fits, `finish`ed; rows that turn out not to fit are taken out."""
    found = [""] * len(readers)
    is_made = np.zeros(len(readers), dtype=bool)
    for rows, contents in filler.filled(readers, fits):
        for row, text in zip(rows.tolist(), contents.joined(""), strict=True):
            found[row] = finish(text)
            is_made[row] = len(text) <= MAX_OUTPUT_CHARACTERS
    fits &= is_made
    return found

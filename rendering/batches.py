"""Messages from Arrow batches: most are made all at once, and one by one those for whom that does not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from rendering.all_at_once import FEW, AllAtOnce
from rendering.errors import RenderError
from rendering.filling import Values
from rendering.links import Site
from rendering.merge_data import MergeData
from rendering.payload import FAULTS, Payload, Recipient, complete, message, reason
from rendering.reading import Reading
from rendering.templates import Compiled

# Rows whose columns are read at a time.
_ROWS = 1_000
# From so many rows on they are made all at once; to get ready for it takes as long as a few hundred messages.
_MANY = 200


class Renderer:
    """Renders one campaign's batches; what it learns of products in one batch serves the next.

    With `as_merge_data`, a campaign whose template the vendor keeps gets what that template fills in. Messages that
    `are_kept` come with their content as it is kept, in `data`."""

    def __init__(
        self, compiled: Compiled, site: Site, *, as_merge_data: bool = False, are_kept: bool = False, many: int = _MANY
    ) -> None:
        self._compiled = compiled
        self._site = site
        self._many = many
        is_merged = as_merge_data and compiled.campaign.dynamic_template is not None
        self._are_kept = are_kept or is_merged
        self._merge_data = MergeData(compiled.campaign, site) if is_merged else None
        reads = self._merge_data.reads if self._merge_data else compiled.reads.__contains__
        self._reading = Reading(compiled, reads)
        self._at_once = (
            None if is_merged else AllAtOnce(compiled, site, self._reading, are_kept=are_kept, few=min(FEW, many))
        )

    def render(self, batch: pa.RecordBatch) -> Iterator[Payload | RenderError]:
        """A payload, or what is wrong, for each row of `batch` (whose columns `Reading` names), in their order."""
        for start in range(0, batch.num_rows, _ROWS):
            rows = batch.slice(start, _ROWS)
            if self._at_once is None or rows.num_rows < self._many:
                yield from self._one_by_one(rows)
            else:
                made = self._at_once.made(rows)
                left = [row for row, payload in enumerate(made) if payload is None]
                others = self._one_by_one(rows if len(left) == len(made) else rows.take(pa.array(left, pa.int64())))
                yield from (next(others) if payload is None else payload for payload in made)

    def _one_by_one(self, batch: pa.RecordBatch) -> Iterator[Payload | RenderError]:
        tokens = list(self._compiled.campaign.tokens.values())
        names = [token.name for token in tokens]
        columns = [self._reading.values(batch, token) for token in tokens]
        written, slots = self._reading.writing(batch).rows(), self._reading.slots(batch).rows()
        rows = zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)
        for to, row, how, chosen in zip(self._reading.recipients(batch), rows, written, slots, strict=True):
            yield self._message(to, Values(zip(names, row, strict=True)), (chosen, how, *row))

    def _message(self, to: Recipient, values: Values, read: tuple[Any, ...]) -> Payload | RenderError:
        try:
            complete(to)
            for value in read:
                if isinstance(value, Exception):
                    raise value
            slots, written, *_ = read
            data, is_kept = self._merge_data, self._are_kept
            return message(self._compiled, to, values, written, slots, self._site, data, is_kept=is_kept)
        except RenderError as error:
            return error
        except FAULTS as error:
            return RenderError(to.message_id, self._compiled.campaign.name, reason(error))

"""Records in, messages in the outbox: rendered for each person, and written down once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.delivery.making import Maker
from orchestration.delivery.outbox import Outbox
from rendering.campaign import Campaign
from rendering.links import Site


@dataclass
class WrittenDown:
    """What records came to, in messages; `failed` is by reason."""

    planned: int = 0
    held_out: int = 0
    already_known: int = 0
    failed: dict[str, int] = field(default_factory=dict)

    def add(self, other: WrittenDown) -> None:
        """Counts other records in."""
        self.planned += other.planned
        self.held_out += other.held_out
        self.already_known += other.already_known
        self.failed = dict(Counter(self.failed) + Counter(other.failed))


@dataclass(frozen=True)
class Order:
    """What is to be written, and where; for an ESP that `fills_templates`, merge data for a template that it keeps."""

    campaign: Campaign
    site: Site
    outbox_url: str
    planned_at: datetime
    fills_templates: bool = False


class Writer:
    """Writes one campaign's messages down, batch after batch."""

    def __init__(self, order: Order, outbox: Outbox) -> None:
        self._outbox = outbox
        self._planned_at = order.planned_at
        self._maker = Maker(order.campaign, order.site, fills_templates=order.fills_templates)

    def write(self, records: pa.RecordBatch) -> WrittenDown:
        """Those of the records (as `records.sql` gives them) whose messages are not written down yet: all or none.

        A message that cannot be rendered is counted with its reason and not written down: once what is wrong is
        mended, the next run plans it."""
        unknown = self._unknown(records)
        made = self._maker.make(unknown)
        if made.messages:
            self._outbox.plan(made.messages, self._planned_at)
        planned = len(made.messages) - made.held_out
        return WrittenDown(planned, made.held_out, records.num_rows - unknown.num_rows, made.failed)

    def _unknown(self, records: pa.RecordBatch) -> pa.RecordBatch:
        ids = records.column("message_id")
        known = self._outbox.known(ids.to_pylist())
        return records.filter(pc.invert(pc.is_in(ids, value_set=pa.array(known, ids.type)))) if known else records

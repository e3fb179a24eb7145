"""The one place where a message is made: a batch of records in, what the outbox writes down out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.delivery.decided import decisions, withheld
from orchestration.delivery.outbox import Planned
from rendering.batches import Renderer
from rendering.campaign import Campaign
from rendering.errors import RenderError
from rendering.links import Site
from rendering.templates import Compiled, compile_campaign

NO_EVENT = "there is no event to invite them to"
# When a message may be handed over, in the order of what is planned.
_WHEN = ("not_before", "expires_at", "quiet_hours")


@dataclass
class Made:
    """What became of one batch: messages to be written down, and by reason how many cannot be rendered."""

    messages: list[Planned] = field(default_factory=list)
    held_out: int = 0
    failed: dict[str, int] = field(default_factory=dict)


class Maker:
    """Makes the messages of one campaign, batch after batch; a variant with content of its own is made apart.

    An ESP that `fills_templates` gets merge data for a template that it keeps."""

    def __init__(self, campaign: Campaign, site: Site, *, fills_templates: bool = False) -> None:
        compiled = compile_campaign(campaign)
        self._rest = _Arm(compiled, site, fills_templates)
        self._arms = {name: _Arm(own, site, fills_templates) for name, own in compiled.variants.items()}

    def make(self, records: pa.RecordBatch) -> Made:
        """A message for each row of `records` (as `records.sql` gives them); those of one variant in their order."""
        made = Made()
        variants = records.column("variant")
        for name, arm in self._arms.items():
            arm.make(records.filter(pc.equal(variants, name)), made)
        if self._arms:
            is_own = pc.is_in(variants, value_set=pa.array(list(self._arms), variants.type))
            records = records.filter(pc.invert(is_own))
        self._rest.make(records, made)
        return made


class _Arm:
    """Those who get the same content."""

    def __init__(self, compiled: Compiled, site: Site, fills_templates: bool) -> None:
        self._campaign = compiled.campaign
        self._renderer = Renderer(compiled, site, as_merge_data=fills_templates, are_kept=True)

    def make(self, records: pa.RecordBatch, made: Made) -> None:
        """Adds what becomes of each row."""
        if self._campaign.uses_events:
            records = _invited(records, made)
        is_holdout = records.column("is_holdout")
        to_render = records.filter(pc.invert(is_holdout))
        rendered = self._renderer.render(with_slots(self._campaign, to_render))
        decided = decisions(self._campaign, to_render)
        columns = ("message_id", "occurrence", "person_id", "variant", *_WHEN, "exclusion_reason")
        rows = zip(*(_values(records.column(name)) for name in columns), is_holdout.to_pylist(), strict=True)
        for message_id, occurrence, person_id, variant, *when, exclusion, is_held_out in rows:
            identity = (message_id, self._campaign.name, occurrence, person_id, variant)
            if is_held_out:
                made.held_out += 1
                made.messages.append(Planned(*identity, decisions=withheld(exclusion)))
                continue
            payload, shown = next(rendered), next(decided)
            if isinstance(payload, RenderError):
                made.failed[payload.reason] = made.failed.get(payload.reason, 0) + 1
            else:
                made.messages.append(Planned(*identity, shown, payload, *when))


def _invited(records: pa.RecordBatch, made: Made) -> pa.RecordBatch:
    """The records without those who have no event to be invited to, who are counted."""
    lack = pc.and_(pc.invert(records.column("is_holdout")), pc.is_null(records.column("event_id")))
    if count := pc.sum(lack).as_py():
        made.failed[NO_EVENT] = made.failed.get(NO_EVENT, 0) + count
    return records.filter(pc.invert(lack))


def with_slots(campaign: Campaign, records: pa.RecordBatch) -> pa.RecordBatch:
    """`records` with the column `slots`: the block that each slot's rule shows."""
    if not campaign.slots:
        return records
    rules = records.column("rules")
    blocks = [_blocks(campaign, slot, rules.field(slot)) for slot in campaign.slots]
    slots = pa.StructArray.from_arrays(blocks, names=list(campaign.slots))
    return records.append_column("slots", slots)


def _blocks(campaign: Campaign, slot: str, rules: pa.Array) -> pa.Array:
    known = campaign.slots[slot]
    names = pa.array([rule.name for rule in known], rules.type)
    return pa.array([rule.block for rule in known]).take(pc.index_in(rules, value_set=names))


def _values(column: pa.Array) -> list[Any]:
    """The column's values; instants, of which many have the same, are made once each."""
    if not pa.types.is_timestamp(column.type):
        found: list[Any] = column.to_pylist()
        return found
    coded = column.dictionary_encode()
    known = [*coded.dictionary.to_pylist(), None]
    return [known[code] for code in coded.indices.fill_null(len(known) - 1).to_pylist()]

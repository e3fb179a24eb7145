"""The one place where a message is made: a batch of records in, what the outbox writes down out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.delivery.outbox import Planned
from rendering.batches import Renderer
from rendering.campaign import Campaign
from rendering.errors import RenderError
from rendering.links import Site
from rendering.templates import compile_campaign

Decisions = tuple[dict[str, str], ...]
_KEPT_DECISIONS = 100_000


@dataclass
class Made:
    """What became of one batch: messages to be written down, and by reason how many cannot be rendered."""

    messages: list[Planned] = field(default_factory=list)
    held_out: int = 0
    failed: dict[str, int] = field(default_factory=dict)


class Maker:
    """Makes the messages of one campaign, batch after batch."""

    def __init__(self, campaign: Campaign, site: Site) -> None:
        self._campaign = campaign
        self._renderer = Renderer(compile_campaign(campaign), site)
        self._of_rules: dict[tuple[str | None, ...], Decisions] = {}
        self._of_products: dict[tuple[Any, ...], dict[str, str]] = {}

    def make(self, records: pa.RecordBatch) -> Made:
        """A message for each row of `records` (as `records.sql` gives them), in their order."""
        made = Made()
        is_holdout = records.column("is_holdout")
        to_render = records.filter(pc.invert(is_holdout))
        rendered = self._renderer.render(with_slots(self._campaign, to_render))
        decided = self._decisions(to_render)
        for row in zip(
            *(records.column(name).to_pylist() for name in ("message_id", "occurrence", "person_id", "variant")),
            records.column("not_before").to_pylist(),
            is_holdout.to_pylist(),
            strict=True,
        ):
            message_id, occurrence, person_id, variant, not_before, is_held_out = row
            identity = (message_id, self._campaign.name, occurrence, person_id, variant)
            if is_held_out:
                made.held_out += 1
                made.messages.append(Planned(*identity))
                continue
            payload, decisions = next(rendered), next(decided)
            if isinstance(payload, RenderError):
                made.failed[payload.reason] = made.failed.get(payload.reason, 0) + 1
            else:
                made.messages.append(Planned(*identity, decisions=decisions, payload=payload, not_before=not_before))
        return made

    def _decisions(self, records: pa.RecordBatch) -> Iterator[Decisions]:
        """For each row the rule that won in each slot, and the products with the model that chose them."""
        slots = sorted(self._campaign.slots)
        rules = [records.column("rules").field(slot).to_pylist() for slot in slots]
        of_rules = zip(*rules, strict=True) if rules else iter([()] * records.num_rows)
        for won, products in zip(of_rules, _products(records.column("recommendations")), strict=True):
            decided = self._of_rules.get(won)
            if decided is None:
                decided = self._of_rules[won] = tuple(
                    {"slot": slot, "choice": self._campaign.block_of(slot, rule), "rule": rule}
                    for slot, rule in zip(slots, won, strict=True)
                    if rule is not None
                )
            yield (*decided, *map(self._of_product, products))

    def _of_product(self, product: tuple[Any, ...]) -> dict[str, str]:
        decided = self._of_products.get(product)
        if decided is None:
            if len(self._of_products) >= _KEPT_DECISIONS:
                self._of_products.clear()
            rank, which, product_id, model_version = product
            decided = self._of_products[product] = {
                "slot": f"recommendation_{rank}",
                "choice": product_id,
                "rule": f"{which} {model_version}",
            }
        return decided


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


def _products(column: pa.ListArray) -> Iterator[list[tuple[Any, ...]]]:
    """For each row its products as (rank, list, product_id, model_version)."""
    offsets = column.offsets
    first = offsets[0].as_py()
    inner = column.values.slice(first, offsets[-1].as_py() - first)
    columns = (inner.field(name).to_pylist() for name in ("rank", "list", "product_id", "model_version"))
    rows = list(zip(*columns, strict=True))
    return (rows[start - first : end - first] for start, end in pairwise(offsets.to_pylist()))

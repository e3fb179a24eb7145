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
from rendering.templates import Compiled, compile_campaign

Decisions = tuple[dict[str, str], ...]
_COLUMNS = (
    *("message_id", "occurrence", "person_id", "variant", "not_before", "expires_at", "is_holdout"),
    "exclusion_reason",
)
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
        compiled = compile_campaign(campaign)
        own: dict[str | None, _Version] = {name: _Version(each, site) for name, each in compiled.variants.items()}
        self._versions: dict[str | None, _Version] = {None: _Version(compiled, site), **own}

    def make(self, records: pa.RecordBatch) -> Made:
        """A message for each row of `records`, as `records.sql` gives them."""
        made = Made()
        others = list(self._versions)[1:]
        variants = records.column("variant")
        for variant, version in self._versions.items():
            if not others:
                version.make(records, made)
                break
            is_of_others = pc.is_in(variants, value_set=pa.array(others, pa.string()))
            mine = pc.equal(variants, variant) if variant else pc.invert(is_of_others)
            version.make(records.filter(mine), made)
        return made


class _Version:
    """The campaign as the people of one variant get it."""

    def __init__(self, compiled: Compiled, site: Site) -> None:
        self._campaign = compiled.campaign
        self._renderer = Renderer(compiled, site)
        self._of_rules: dict[tuple[str | None, ...], Decisions] = {}
        self._of_products: dict[tuple[Any, ...], dict[str, str]] = {}

    def make(self, records: pa.RecordBatch, made: Made) -> None:
        """Adds the messages of `records`, in their order."""
        is_holdout = records.column("is_holdout")
        to_render = records.filter(pc.invert(is_holdout))
        rendered = self._renderer.render(with_slots(self._campaign, to_render))
        decided = self._decisions(to_render)
        for row in zip(*(records.column(name).to_pylist() for name in _COLUMNS), strict=True):
            message_id, occurrence, person_id, variant, not_before, expires_at, is_held_out, reason = row
            identity = (message_id, self._campaign.name, occurrence, person_id, variant)
            if is_held_out:
                made.held_out += 1
                withheld = {"slot": "holdout", "choice": reason.removesuffix("_holdout"), "rule": reason}
                made.messages.append(Planned(*identity, decisions=(withheld,)))
                continue
            payload, decisions = next(rendered), next(decided)
            if isinstance(payload, RenderError):
                made.failed[payload.reason] = made.failed.get(payload.reason, 0) + 1
                continue
            made.messages.append(Planned(*identity, decisions, payload, not_before, expires_at))

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

"""What was decided for each message, as the outbox keeps it: a JSON list of `slot`, `choice` and `rule`."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from rendering.campaign import Campaign
from rendering.json_text import escaped

_OF_PRODUCT = ("rank", "list", "product_id", "model_version")
_SPECIAL_IN_JSON = r'["\\\x00-\x1f]'


def decisions(campaign: Campaign, records: pa.RecordBatch) -> Iterator[str | None]:
    """For each row (as `records.sql` gives them) the rule that won in each slot, the products with the model that chose
    them, and the event that it invites to; None where nothing was decided."""
    slots = sorted(campaign.slots)
    parts = [_rules(campaign, slots, records.column("rules"))] if slots else []
    parts.append(_products(records.column("recommendations")))
    if campaign.uses_events:
        parts.append(_events(records.column("event_id"), records.column("event_topic")))
    for decided in zip(*(part.to_pylist() for part in parts), strict=True):
        found = ",".join(filter(None, decided))
        yield f"[{found}]" if found else None


def withheld(exclusion: str) -> str:
    """That a message was held out, and by which rule."""
    return f"[{_json('holdout', exclusion.removesuffix('_holdout'), exclusion)}]"


def _json(slot: str, choice: str, rule: str) -> str:
    return orjson.dumps({"slot": slot, "choice": choice, "rule": rule}).decode()


def _rules(campaign: Campaign, slots: list[str], rules: pa.StructArray) -> pa.Array:
    """Few combinations win, so each is written once."""
    columns = [rules.field(slot).to_pylist() for slot in slots]
    written: dict[tuple[str | None, ...], str] = {}
    found = []
    for won in zip(*columns, strict=True):
        if won not in written:
            chosen = [(slot, rule) for slot, rule in zip(slots, won, strict=True) if rule is not None]
            written[won] = ",".join(_json(slot, campaign.block_of(slot, rule), rule) for slot, rule in chosen)
        found.append(written[won])
    return pa.array(found, pa.string())


def _products(column: pa.ListArray) -> pa.Array:
    """Six of them a message are most of what is decided: they are written by column."""
    first, last = column.offsets[0].as_py(), column.offsets[-1].as_py()
    inner = column.values.slice(first, last - first)
    rank, of_list, product, version = (_escaped(inner.field(name)) for name in _OF_PRODUCT)
    objects = pc.binary_join_element_wise(
        '{"slot":"recommendation_', rank, '","choice":"', product, '","rule":"', of_list, " ", version, '"}', ""
    )
    return pc.binary_join(pa.ListArray.from_arrays(pc.subtract(column.offsets, first), objects), ",")


def _events(ids: pa.Array, topics: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(
        '{"slot":"event","choice":"', _escaped(ids), '","rule":"interest in ', _escaped(topics), '"}', ""
    )


def _escaped(column: pa.Array) -> pa.Array:
    """The texts as they stand between the quotes of a JSON string, those that are missing empty."""
    texts = pc.fill_null(column.cast(pa.string()), "")
    if not pc.any(pc.match_substring_regex(texts, _SPECIAL_IN_JSON)).as_py():
        return texts
    coded = texts.dictionary_encode()
    return pa.array(map(escaped, coded.dictionary.to_pylist()), pa.string()).take(coded.indices)

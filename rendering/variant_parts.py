"""The variants of a `campaign.yml`, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from rendering.located import Located, did_you_mean
from rendering.parts import LISTS, Recommendations, Rule, Variant, read_name, unique

# What reports call the arms that are no variants.
RESERVED = ("all", "holdout")
_FIELDS = ("name", "weight", "subject", "blocks", "list", "template")
_TEMPLATE = re.compile(r"[a-z][a-z0-9_]{0,62}\.mjml\.j2")


def read_variants(
    located: Located, slots: Mapping[str, tuple[Rule, ...]], products: Recommendations | None
) -> tuple[Variant, ...]:
    """The arms of the campaign's experiment, the first of which is the control. CampaignError names the line of a
    slot, rule, list or template that the campaign does not have."""
    variants = tuple(_variant(item, slots, products) for item in located.items())
    unique(located, [variant.name for variant in variants])
    return variants


def _variant(item: Located, slots: Mapping[str, tuple[Rule, ...]], products: Recommendations | None) -> Variant:
    left = item.fields()
    named, weight, subject = left.required("name"), left.required("weight").integer(1), left.optional("subject")
    blocks, chosen, template = left.optional("blocks"), left.optional("list"), left.optional("template")
    left.nothing_else(_FIELDS)
    name = read_name(named)
    if name in RESERVED:
        raise named.error(f"{name!r} is what reports call an arm of their own; choose another name.")
    if chosen and products is None:
        raise chosen.error("the campaign uses no recommendations; add uses_recommendations, or remove it.")
    return Variant(
        name=name,
        weight=weight,
        subject=subject.text() if subject else None,
        line=item.line,
        blocks=_blocks(blocks, slots) if blocks else MappingProxyType({}),
        list=chosen.choice(LISTS) if chosen else None,
        template=_template(template) if template else None,
    )


def _blocks(located: Located, slots: Mapping[str, tuple[Rule, ...]]) -> Mapping[str, Mapping[str, str]]:
    """By slot and rule the block that is shown: `hero: hero_short` for every rule, or `hero: {regular: hero_short}`."""
    found = {}
    for slot, entry in located.fields().rest().items():
        if slot not in slots:
            raise entry.error(f"the campaign has no slot {slot}.{did_you_mean(slot, tuple(slots))}")
        rules = [rule.name for rule in slots[slot]]
        if isinstance(entry.value(), str):
            found[slot] = MappingProxyType(dict.fromkeys(rules, read_name(entry)))
            continue
        of_rules = entry.fields().rest()
        for rule, block in of_rules.items():
            if rule not in rules:
                raise block.error(f"the slot {slot} has no rule {rule}.{did_you_mean(rule, tuple(rules))}")
        found[slot] = MappingProxyType({rule: read_name(block) for rule, block in of_rules.items()})
    return MappingProxyType(found)


def _template(located: Located) -> str:
    value = located.text()
    if not _TEMPLATE.fullmatch(value):
        raise located.error(f"{value!r} must be a file of the campaign's folder, such as message_short.mjml.j2.")
    if not (located.file.parent / value).is_file():
        raise located.error(f"there is no {value} beside campaign.yml; write it.")
    return value

"""Variants of a campaign: what each arm of an experiment shows in the place of the campaign's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from rendering.campaign import Campaign
from rendering.parts import Rule, Variant


def of_variant(campaign: Campaign, name: str | None) -> Campaign:
    """The campaign as the people of one variant get it; itself without a variant, or under a name that is none."""
    variant = next((each for each in campaign.variants if each.name == name), None)
    return campaign if variant is None else _applied(campaign, variant)


def versions(campaign: Campaign) -> list[Campaign]:
    """The campaign, and beside it each variant that changes more than the subject."""
    return [campaign, *(_applied(campaign, variant) for variant in campaign.variants if variant.has_own_content)]


def _applied(campaign: Campaign, variant: Variant) -> Campaign:
    products = campaign.uses_recommendations
    if products and variant.list:
        products = dataclasses.replace(products, list=variant.list)
    return dataclasses.replace(
        campaign,
        variants=(variant,),
        subject=variant.subject or campaign.subject,
        message=variant.template or campaign.message,
        uses_recommendations=products,
        slots=_slots(campaign.slots, variant.blocks),
    )


def _slots(
    slots: Mapping[str, tuple[Rule, ...]], blocks: Mapping[str, Mapping[str, str]]
) -> Mapping[str, tuple[Rule, ...]]:
    """The same rules with the variant's blocks; a decision names the rule, and the variant says what it shows."""
    return MappingProxyType(
        {
            slot: tuple(
                dataclasses.replace(rule, block=blocks.get(slot, {}).get(rule.name, rule.block)) for rule in rules
            )
            for slot, rules in slots.items()
        }
    )

"""Lint of what is said: how many facts of the person one message mentions, and words that are never said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rendering.campaign import Campaign
from rendering.findings import Finding
from rendering.names import uses
from rendering.policy import Policy
from rendering.source import Piece, block_file, pieces, unfold


def policy_findings(campaign: Campaign, template: list[Piece], policy: Policy) -> Iterator[Finding]:
    """What goes beyond the policy, with file and line."""
    yield from _facts(campaign, policy)
    yield from _words(campaign, template, policy)


def _facts(campaign: Campaign, policy: Policy) -> Iterator[Finding]:
    """Counted in the message that mentions the most: of each slot the block that adds the most."""
    outside = _facts_of(campaign, unfold(_without_slots(campaign), campaign.template), policy)
    outside |= _facts_of(campaign, _lines(campaign), policy)
    for rules in campaign.slots.values():
        of_blocks = [_facts_of(campaign, _block(campaign, rule.block), policy) for rule in rules]
        outside |= max(of_blocks, key=lambda facts: len(facts - outside), default=set())
    if len(outside) > policy.most_personal_facts:
        yield Finding(
            campaign.file,
            campaign.lines["tokens"],
            "error",
            f"a message may mention {len(outside)} facts of the person ({', '.join(sorted(outside))}); "
            f"policy.yml allows {policy.most_personal_facts}: leave some out.",
        )


def _words(campaign: Campaign, template: list[Piece], policy: Policy) -> Iterator[Finding]:
    said = [(piece.file, piece.line, piece.text) for piece in template]
    said += [(campaign.file, campaign.lines[field], getattr(campaign, field)) for field in ("subject", "preheader")]
    said += [(campaign.file, variant.line, variant.subject) for variant in campaign.variants if variant.subject]
    for file, line, text in said:
        for word, at in policy.forbidden(text):
            message = f"{word!r} is never said to anybody (policy.yml); find other words."
            yield Finding(file, line + text.count("\n", 0, at), "error", message)


def _facts_of(campaign: Campaign, found: list[Piece], policy: Policy) -> set[str]:
    return {use.name for use in uses(found)} & set(campaign.tokens) - policy.not_counted


def _lines(campaign: Campaign) -> list[Piece]:
    return [piece for text in (campaign.subject, campaign.preheader) for piece in pieces(campaign.file, text)]


def _block(campaign: Campaign, name: str) -> list[Piece]:
    file = block_file(campaign, name)
    return unfold(campaign, file) if file else []


def _without_slots(campaign: Campaign) -> Campaign:
    return dataclasses.replace(campaign, slots=dict.fromkeys(campaign.slots, ()))

"""Lint across campaigns: the same name means the same thing everywhere, and no block is left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rendering.campaign import Campaign
from rendering.errors import TemplateError
from rendering.findings import Finding
from rendering.source import BLOCKS, unfold
from rendering.variants import versions


def consistency_findings(campaigns: Sequence[Campaign]) -> list[Finding]:
    """Tokens whose type differs from the one that most campaigns give them, and shared blocks that none uses."""
    return sorted([*_types(campaigns), *_unused_blocks(campaigns)])


def _types(campaigns: Iterable[Campaign]) -> Iterator[Finding]:
    declared = [(campaign, token) for campaign in campaigns for token in campaign.tokens.values()]
    for name in sorted({token.name for _, token in declared}):
        kinds = Counter(token.type for _, token in declared if token.name == name)
        usual = min(kinds, key=lambda kind: (-kinds[kind], kind))
        for campaign, token in declared:
            if token.name == name and token.type != usual:
                other = next(each.name for each, found in declared if found.name == name and found.type == usual)
                message = f"tokens.{name} is a {token.type} here and a {usual} in {other}; one name has one type."
                yield Finding(campaign.file, token.line, "error", message)


def _unused_blocks(campaigns: Iterable[Campaign]) -> Iterator[Finding]:
    used = set()
    for campaign in campaigns:
        for version in versions(campaign):
            try:
                used |= {piece.file for piece in unfold(version, version.template)}
            except TemplateError:
                continue  # the campaign's own lint says so
    for file in sorted(BLOCKS.glob("*.mjml.j2")):
        if file not in used:
            yield Finding(file, 1, "warning", "no campaign uses this block; include it, or remove it.")

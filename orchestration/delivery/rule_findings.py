"""Rules that say nothing: nobody matches them, or whoever does got an earlier rule. Found by counting people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestration.delivery.rule_counts import RuleCount
from rendering.campaign import Campaign
from rendering.lint import Finding


def rule_findings(campaign: Campaign, counts: Iterable[RuleCount]) -> list[Finding]:
    """A warning at the line of each rule that nobody gets; without people in the audience there is none.

    Counts of a rule that was edited since are no longer about it, and are left out.
    """
    of_rule = {(count.slot, count.rule): count for count in counts if count.campaign == campaign.name}
    return list(_findings(campaign, of_rule))


def _findings(campaign: Campaign, of_rule: dict[tuple[str, str], RuleCount]) -> Iterator[Finding]:
    for slot, rules in campaign.slots.items():
        for position, rule in enumerate(rules, 1):
            count = of_rule.get((slot, rule.name))
            if rule.when is None or count is None or not count.audience_count:
                continue
            if (count.condition, count.position) != (rule.when, position):
                continue
            if message := _words(count):
                yield Finding(campaign.file, rule.line, "warning", f"slots.{slot}: {rule.name} {message}")


def _words(count: RuleCount) -> str:
    people = f"{count.audience_count:,} people of the audience"
    if not count.matches_count:
        return f"matches none of the {people}; mend its condition, or remove it."
    if not count.wins_count:
        return (
            f"never wins: the {count.matches_count:,} of the {people} whom it matches get an earlier rule; "
            "put it before that, or remove it."
        )
    return ""

"""Made-up people, to try a campaign on before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rendering.campaign import Campaign
from rendering.variants import of_variant

_VALUES: dict[str, Any] = {
    "text": "Alexandria",
    "number": 12,
    "money": Decimal("1234.50"),
    "date": datetime(2018, 1, 1, tzinfo=UTC),
}
_DEFAULT_COUNT = 6


def samples(campaign: Campaign) -> Iterator[dict[str, Any]]:
    """Records that together show every block and every variant, once with all values and once with none."""
    longest = max((len(rules) for rules in campaign.slots.values()), default=1)
    variants: list[str | None] = [variant.name for variant in campaign.variants] or [None]
    for number in range(max(longest, len(variants))):
        variant = variants[number % len(variants)]
        slots = of_variant(campaign, variant).slots
        for is_full in (True, False):
            yield {
                **(_full(campaign) if is_full else dict.fromkeys(campaign.tokens)),
                "message_id": f"sample-{number}-{'full' if is_full else 'empty'}",
                "person_id": "sample",
                "email": "sample@example.com",
                "occurrence": "sample",
                "variant": variant,
                "slots": {slot: rules[number % len(rules)].block for slot, rules in slots.items()},
            }


def _full(campaign: Campaign) -> dict[str, Any]:
    count = campaign.uses_recommendations.count if campaign.uses_recommendations else _DEFAULT_COUNT
    products = [_product(rank) for rank in range(1, count + 1)]
    return {name: products if token.type == "list" else _VALUES[token.type] for name, token in campaign.tokens.items()}


def _product(rank: int) -> dict[str, Any]:
    return {
        "product_id": str(rank),
        "name": "SHREDDED CHEESE 16 OZ",
        "category": "CHEESE",
        "price": Decimal("3.49"),
        "currency": "USD",
        "url": None,
        "image_url": None,
        "reason": "You buy this about every three weeks",
        "rank": rank,
    }

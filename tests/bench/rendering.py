"""How many messages of `loyalty_reward` one core renders in a second, payloads included."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.links import Site
from rendering.payload import render_batch
from rendering.templates import compile_campaign

BATCHES = 5
BATCH_MESSAGES = 3_000
PRODUCTS = 2_000
CITIES = ("New York", "Chicago", "Denver", None)


def people(first: int, count: int) -> Iterator[dict[str, Any]]:
    """Records as the warehouse gives them: every person with their own name, spending and products."""
    products = [
        {
            "product_id": str(number),
            "name": f"SHREDDED CHEESE/BLEND {number} OZ",
            "category": f"CATEGORY {number % 300}",
            "price": Decimal(number % 900 + 100) / 100,
            "currency": "USD",
            "url": None,
            "image_url": None,
            "reason": f"You buy this about every {number % 40} days",
        }
        for number in range(PRODUCTS)
    ]
    heroes = ("hero_new_york_viewed", "hero_regular", "hero_welcome")
    for number in range(first, first + count):
        yield {
            "message_id": f"{number:064x}",
            "person_id": f"person-{number}",
            "email": f"person{number}@example.com",
            "first_name": f"Maria{number}",
            "city": CITIES[number % 4],
            "country": "US",
            "language": "en",
            "timezone": "America/New_York",
            "currency": "USD",
            "orders_count": number % 50,
            "total_spent_amount": Decimal(number) / 7,
            "favourite_category": "CHEESE",
            "viewed_category": "BAKED BREAD/BUNS/ROLLS",
            "occurrence": "2018-01",
            "variant": None,
            "recommendations": [dict(products[(number * 7 + k * 131) % PRODUCTS], rank=k + 1) for k in range(6)],
            "slots": {
                "hero": heroes[number % 3],
                "local": "city_new_york" if number % 4 == 0 else "city_anywhere",
            },
        }


def messages_per_second() -> float:
    """The median rate over a few batches, templates compiled before."""
    site = Site("https://mail.example.com", b"a secret of enough bytes")
    compiled = compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))
    rates = []
    for batch in range(BATCHES):
        records = list(people(batch * BATCH_MESSAGES, BATCH_MESSAGES))
        started = time.perf_counter()
        assert sum(1 for _ in render_batch(compiled, records, site)) == BATCH_MESSAGES
        rates.append(BATCH_MESSAGES / (time.perf_counter() - started))
    return statistics.median(rates)

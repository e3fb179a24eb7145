from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rendering.campaign import Campaign, load_campaign
from rendering.links import Site

CAMPAIGN = """\
title: Small
purpose: offers
audience: {segments: [everyone]}
occurrence: once
priority: 1
sender: {name: Shop, email: hello@shop.example.com}
postal_address: 1 Example Street
website: https://shop.example.com
subject: "Hello {{ first_name }}"
preheader: "For you"
tokens:
  first_name: {type: text, fallback: there}
  gifts: {type: list, fallback: []}
slots:
  hero:
    - {rule: near, when: "city = 'New York'", block: near}
    - {rule: rest, block: far}
utm: {source: s, medium: email, campaign: small}
"""
MESSAGE = """\
<mjml><mj-head><mj-raw><meta name="color-scheme" content="light dark"></mj-raw>\
<mj-style>@media (prefers-color-scheme: dark) { .x { color: #ffffff; } }</mj-style></mj-head>\
<mj-body background-color="#ffffff"><mj-section><mj-column>
{% slot "hero" %}
<mj-text>Dear {{ first_name }},{% for gift in gifts %} take {{ gift.name }}{% endfor %}</mj-text>
<mj-button href="{{ '/go' | link }}">Go</mj-button>
<mj-text><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</mj-text>
</mj-column></mj-section></mj-body></mjml>
"""
BLOCKS = {
    "near": "{# tokens: #}\n<mj-text>Around the corner</mj-text>\n",
    "far": "{# tokens: #}\n<mj-text>By post</mj-text>\n",
}


@pytest.fixture(scope="session")
def site() -> Site:
    return Site("https://mail.example.com", b"sixteen bytes or more")


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Campaign]:
    """Writes a small campaign; each argument replaces a part of it."""

    def write(campaign: str = CAMPAIGN, message: str = MESSAGE, text: str | None = None, **blocks: str) -> Campaign:
        folder = tmp_path_factory.mktemp("campaigns") / "small"
        (folder / "blocks").mkdir(parents=True)
        (folder / "campaign.yml").write_text(campaign)
        (folder / "message.mjml.j2").write_text(message)
        if text is not None:
            (folder / "message.txt.j2").write_text(text)
        for name, source in {**BLOCKS, **blocks}.items():
            (folder / "blocks" / f"{name}.mjml.j2").write_text(source)
        return load_campaign(folder)

    return write


def person(**values: Any) -> dict[str, Any]:
    return {
        "message_id": "a1b2c3",
        "person_id": "p1",
        "email": "maria@example.com",
        "first_name": "Maria",
        "occurrence": "2018-01",
        "variant": None,
        "slots": {"hero": "near"},
        **values,
    }


def regular(**values: Any) -> dict[str, Any]:
    """A repeat buyer of the demo shop."""
    product = {"product_id": "7", "name": "SHREDDED CHEESE 16 OZ", "category": "CHEESE", "currency": "USD"}
    product |= {"price": Decimal("4.49"), "url": None, "image_url": None, "reason": "You like it", "rank": 1}
    return person(
        city="New York",
        viewed_category="COFFEE",
        orders_count=14,
        total_spent_amount=Decimal("812.37"),
        recommendations=[product] * 6,
        slots={"hero": "hero_new_york_viewed", "local": "city_new_york"},
        **values,
    )


def files_below(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())

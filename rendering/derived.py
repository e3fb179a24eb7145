"""Tokens that are made of other fields, so that every campaign says the same thing by the same name."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from babel import Locale

from rendering.wording import readable

LOCATION = "location"
RECENT_PURCHASE = "recent_purchase"
_NAMED_PRODUCT = re.compile(r"recommendation_name_([1-9][0-9]?)")
_SOURCES = {LOCATION: ("city", "region", "country"), RECENT_PURCHASE: ("recent_product_name",)}
# What such a token is, whatever a campaign would like it to be.
TYPE = "text"

Field = Callable[[str], Any]


def sources(token: str) -> tuple[str, ...]:
    """The fields of a record that a token is made of: mostly the one of its name."""
    if _NAMED_PRODUCT.fullmatch(token):
        return ("recommendations",)
    return _SOURCES.get(token, (token,))


def is_derived(token: str) -> bool:
    """Whether a token is made of other fields than the one of its name."""
    return sources(token) != (token,)


def derive(token: str, field: Field, locale: str) -> Any:
    """The value of a derived token: `field` gives those of its record.

    `location` is the city, else the region, else the country in the reader's language; `recent_purchase` the readable
    name of the product bought last; `recommendation_name_1` and so on the readable names of what is recommended."""
    if token == LOCATION:
        return field("city") or field("region") or country(field("country"), locale)
    if token == RECENT_PURCHASE:
        return readable(field("recent_product_name"))
    match = _NAMED_PRODUCT.fullmatch(token)
    place = int(match[1]) if match else 0
    products = field("recommendations") or []
    return readable(products[place - 1].get("name")) if 0 < place <= len(products) else None


@lru_cache(maxsize=4_096)
def country(code: str | None, locale: str) -> str | None:
    """A country's name in the reader's language; a code that is none is nothing to be printed."""
    if not code:
        return None
    name = Locale.parse(locale).territories.get(code.upper())
    return None if name is None else str(name)

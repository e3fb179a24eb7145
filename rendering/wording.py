"""Filters for templates: amounts, lists, catalogue names and the tiles that stand for pictures."""

from __future__ import annotations

import re
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import format_currency

# White letters on each reach 4.5:1 and more (WCAG AA).
TILE_COLOURS = (
    *("#2f6b4f", "#8a4b2a", "#3d5a80", "#7a3e65", "#56661c", "#2f6a70"),
    *("#a03c3c", "#5a4a8c", "#85600f", "#4a5560", "#1f6391", "#8b3f78"),
)

# The short forms of US shelf labels that customers would stumble over.
_SHORT_FORMS = {
    "bkd": "baked",
    "brkfst": "breakfast",
    "btl": "bottle",
    "btr": "butter",
    "choc": "chocolate",
    "cleang": "cleaning",
    "dnrs": "dinners",
    "drnk": "drinks",
    "drsng": "dressing",
    "frzn": "frozen",
    "incl": "including",
    "pkld": "pickled",
    "pnt": "peanut",
    "sald": "salad",
    "sherbts": "sherbets",
    "sndwch": "sandwich",
    "sply": "supplies",
    "sprd": "spread",
    "veg": "vegetables",
    "whlsm": "wholesome",
}

_SLASH = re.compile(r"\s*/\s*(?=[^\W\d])")
_SIGN = re.compile(r"\s*([:&])\s*")
_SHORT_FORM = re.compile(rf"(?<![a-z])(?:{'|'.join(_SHORT_FORMS)})(?![a-z])")
_PLAIN_AMOUNT = re.compile(r"(\D*)1(\D)234(\D)50(\D*)")


def money(amount: Any, currency: str, locale: str) -> str:
    """An amount as Babel writes it for a currency and a locale ($3.50). No amount gives no text."""
    if amount is None:
        return ""
    exact = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    pattern = _pattern(currency, locale)
    if pattern is None or not 0 <= exact < 1_000_000_000:
        return format_currency(exact, currency, locale=locale)
    before, group, point, after = pattern
    whole, _, cents = f"{exact:,.2f}".partition(".")
    return f"{before}{whole.replace(',', group)}{point}{cents}{after}"


@lru_cache(maxsize=1_024)
def _pattern(currency: str, locale: str) -> tuple[str, str, str, str] | None:
    """What Babel puts around and between the digits, where it groups by threes and has two decimals; Babel
    itself takes 50 microseconds an amount, which was a third of a message."""
    match = _PLAIN_AMOUNT.fullmatch(format_currency(Decimal("1234.5"), currency, locale=locale))
    if match is None:
        return None
    before, group, point, after = match.groups()
    million = format_currency(Decimal("1234567.5"), currency, locale=locale)
    return (before, group, point, after) if million == f"{before}1{group}234{group}567{point}50{after}" else None


def list_join(items: Any, last: str = "and") -> str:
    """a, b and c."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


@lru_cache(maxsize=65_536)
def readable(text: str | None) -> str:
    """A catalogue's name as a person writes it: FRZN MEAT/DINNERS becomes Frozen meat, dinners."""
    if not text or not text.isupper():
        return text or ""
    sentence = text.lower()
    if "/" in sentence:
        sentence = _SLASH.sub(", ", sentence)
    if ":" in sentence or "&" in sentence:
        sentence = _SIGN.sub(lambda match: f" {match[1]} ".replace(" :", ":"), sentence)
    sentence = _SHORT_FORM.sub(lambda match: _SHORT_FORMS[match[0]], " ".join(sentence.split()))
    return sentence[:1].upper() + sentence[1:]


def initial(text: str | None) -> str:
    """The first letter, upper case; a dot where there is none."""
    return next((letter.upper() for letter in text or "" if letter.isalnum()), "•")


def tile_colour(text: str | None) -> str:
    """A colour of the palette, always the same for the same text."""
    return TILE_COLOURS[zlib.crc32((text or "").encode("utf-8", "replace")) % len(TILE_COLOURS)]


def total(items: Any, key: str) -> Decimal:
    """The sum of a number over a list of records, leaving out those without one."""
    found = (item.get(key) for item in items)
    return sum((Decimal(str(value)) for value in found if value is not None), Decimal(0))

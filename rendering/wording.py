"""Filters for templates: amounts, lists, catalogue names and the tiles that stand for pictures."""

from __future__ import annotations

import re
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

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

_NAME_PART = re.compile(r"[^\W\d_]+")
_PARTICLES = frozenset(("al", "bin", "da", "de", "del", "der", "di", "do", "dos", "du", "el", "la", "van", "von", "y"))
_SHORTEST_NAME = 3  # two capitals are initials
_SLASH = re.compile(r"\s*/\s*(?=[^\W\d])")
_SIGN = re.compile(r"\s*([:&])\s*")
_SHORT_FORM = re.compile(rf"(?<![a-z])(?:{'|'.join(_SHORT_FORMS)})(?![a-z])")
_PLAIN_AMOUNT = re.compile(r"(\D*)1(\D)234(\D)50(\D*)")


@lru_cache(maxsize=8_192)
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


@lru_cache(maxsize=8_192)
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


@lru_cache(maxsize=65_536)
def number(value: Any, locale: str) -> str:
    """A number as the reader's language groups and points it: 1,234.5. No number gives no text."""
    return "" if value is None else str(format_decimal(value, locale=locale))


@lru_cache(maxsize=65_536)
def plural(value: Any, locale: str, forms: tuple[tuple[str, str], ...]) -> str:
    """The form of a phrase that a number takes in a language (Unicode's plural rules); `#` in it is the number."""
    by_rule = dict(forms)
    rule = "other" if value is None else Locale.parse(locale).plural_form(value)
    return by_rule.get(rule, by_rule["other"]).replace("#", number(value, locale))


def listed(items: Any, locale: str, style: str = "and") -> str:
    """a, b, and c, as the reader's language joins them; `or` offers a choice."""
    words = [str(item) for item in items]
    return format_list(words, style="or" if style == "or" else "standard", locale=locale) if words else ""


def name(text: str | None) -> str:
    """A person's name as people write theirs, where a form or an old system left it in one case only."""
    if not text or not (text.isupper() or text.islower()) or len(text) < _SHORTEST_NAME:
        return text or ""
    lower = text.lower()
    named = _NAME_PART.sub(lambda part: part[0] if part[0] in _PARTICLES else part[0].capitalize(), lower)
    return named[:1].upper() + named[1:]


def total(items: Any, key: str) -> Decimal:
    """The sum of a number over a list of records, leaving out those without one."""
    found = (item.get(key) for item in items)
    return sum((Decimal(str(value)) for value in found if value is not None), Decimal(0))

"""Values for templates: typed, clean, with the declared fallbacks, and written for the reader's place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from rendering.campaign import Campaign
from rendering.derived import derive, is_derived
from rendering.errors import TokenError
from rendering.filling import Values, Writing
from rendering.parts import Token

MAX_TEXT_CHARACTERS = 500
DEFAULT_LOCALE = "en_US"
DEFAULT_CURRENCY = "USD"
# Fields of a record that say how values are written for its reader, whatever tokens there are.
WRITING_FIELDS = ("currency", "timezone", "language", "country")
_NUMBERS = (int, float, Decimal)
# Characters that break a line, hide text, or turn its direction around; half of a surrogate pair is no text.
_BREAKS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]+")
MAX_ITEMS = 100
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def writing(record: Mapping[str, Any], campaign: Campaign) -> Writing:
    """How values are written for the person of `record`: in the campaign's language, or else in theirs."""
    locale = locale_of(campaign, record.get("language"), record.get("country"))
    return Writing(locale, record.get("currency") or DEFAULT_CURRENCY, record.get("timezone"))


def context(record: Mapping[str, Any], campaign: Campaign) -> Values:
    """The values that a campaign declares, and no others; what is missing or empty gets its fallback.

    TokenError for a value that is missing without a fallback, or is not of the declared type."""
    locale = locale_of(campaign, record.get("language"), record.get("country"))
    return Values((name, read(token, _found(name, record, locale))) for name, token in campaign.tokens.items())


def _found(name: str, record: Mapping[str, Any], locale: str) -> Any:
    if record.get(name) is not None or not is_derived(name):
        return record.get(name)
    return derive(name, record.get, locale)


def read(token: Token, value: Any) -> Any:
    """`value` as the token's type, or the fallback."""
    if value is not None:
        value = _READERS[token.type](token, value)
    if value is None or value == "":
        if not token.has_fallback:
            raise TokenError(f"{token.name} has no value; declare a fallback for it in campaign.yml.")
        return token.fallback
    return value


def clean(text: str) -> str:
    """`text` on one line, without control characters and direction overrides, at most 500 characters."""
    if not text.isprintable():
        text = _HIDDEN.sub("", _BREAKS.sub(" ", text))
    if len(text) > MAX_TEXT_CHARACTERS:
        text = text[: MAX_TEXT_CHARACTERS - 1] + "…"
    return text


def _text(token: Token, value: Any) -> str:
    return clean(value if isinstance(value, str) else str(value)).strip()


def _number(token: Token, value: Any) -> Any:
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return value if value == value else None  # not a number is no value
    raise TokenError(f"{token.name} is declared as {token.type}, but holds {type(value).__name__}.")


def _date(token: Token, value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise TokenError(f"{token.name} is declared as date, but holds something else.") from error


def _list(token: Token, value: Any) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
        raise TokenError(f"{token.name} is declared as list, but holds {type(value).__name__}.")
    return [_item(item) for item in islice(value, MAX_ITEMS)] or token.fallback or []


def _item(item: Any) -> Any:
    if isinstance(item, str):
        return clean(item)
    if isinstance(item, Mapping):
        return {key: clean(value) if isinstance(value, str) else value for key, value in item.items()}
    return item


_READERS: dict[str, Callable[[Token, Any], Any]] = {
    "text": _text,
    "number": _number,
    "money": _number,
    "date": _date,
    "list": _list,
}


def locale_of(campaign: Campaign, language: str | None, country: str | None) -> str:
    """The Babel locale in which a campaign's values are written for a person."""
    return locale_name(campaign.language or language, country)


@lru_cache(maxsize=1_024)
def locale_name(language: str | None, country: str | None) -> str:
    """The Babel locale of a language and a country; US English where there is none."""
    for name in (f"{language}_{country}" if country else None, language):
        if not language or not name:
            continue
        try:
            return str(Locale.parse(name.replace("-", "_")))
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    return DEFAULT_LOCALE


@lru_cache(maxsize=512)
def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (OSError, ValueError):
        return UTC


@lru_cache(maxsize=65_536)
def _day(day: date, style: str, locale: str) -> str:
    return format_date(day, style, locale=locale)


def day(moment: date | str | None, style: str, timezone: str | None, locale: str) -> str:
    """The day of a moment where the reader lives: January 1, 2018. No moment gives no text."""
    if moment is None or isinstance(moment, str):
        return moment or ""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = aware.astimezone(_zone(timezone)).date()
    return _day(moment, style, locale)

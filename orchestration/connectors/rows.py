"""A source's row as the landing zone has it: our names for its columns, every value as text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, str | None]


class Renaming:
    """Theirs to ours. What is not named keeps its name; a name that we gave away is not used twice."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._ours = columns

    def row(self, item: Mapping[str, Any]) -> Row:
        taken = set(self._ours.values())
        row = {name: as_text(value) for name, value in item.items() if name not in self._ours and name not in taken}
        row.update({ours: as_text(value_at(item, theirs)) for ours, theirs in self._ours.items()})
        return row


def value_at(item: Mapping[str, Any], path: str) -> Any:
    """The value under a name, or under names joined by dots where records are nested."""
    if path in item:
        return item[path]
    value: Any = item
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def as_text(value: Any) -> str | None:
    """A value as a file would hold it: ISO 8601 in UTC, amounts in full, nested values as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=as_text, ensure_ascii=False)
    return str(value)


def line(row: Row) -> bytes:
    """The row as one line of JSON; the same row gives the same bytes."""
    return json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def digest(content: bytes, key: bytes) -> str:
    """Tells rows apart without keeping them; without the home's key nobody can guess a row from it."""
    return hashlib.blake2b(content, key=key, digest_size=16).hexdigest()

"""Text as it stands between the quotes of a JSON string: what a message is kept and handed over as."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from rendering.links import MESSAGE_MARK

_SPECIAL = re.compile(r'[\x00\x01\x03-\x1f"\\]')
# In HTML and in JSON: most values hold nothing of it, and are looked at once.
_SPECIAL_IN_HTML = "&<>'"
_SPECIAL_ANYWHERE = re.compile(rf"[{_SPECIAL_IN_HTML}]|{_SPECIAL.pattern}")


def escaped(text: str) -> str:
    """`text` in JSON."""
    return orjson.dumps(text)[1:-1].decode()


def length(text: str) -> int:
    """How many characters a text has that is in JSON."""
    return len(orjson.loads(f'"{text}"'))


def in_json(text: str) -> str:
    """`text` in JSON, but for MESSAGE_MARK: in its place comes a reference, which needs no escaping."""
    if _SPECIAL.search(text) is None:
        return text
    return MESSAGE_MARK.join([escaped(part) for part in str(text).split(MESSAGE_MARK)])


def needs_nothing(values: Sequence[Any]) -> bool:
    """Whether all are texts that stand in JSON and in HTML as they are: many are asked at the cost of one."""
    if set(map(type, values)) != {str}:
        return False
    joined = "".join(values)
    is_plain = len(orjson.dumps(joined)) == len(joined.encode()) + len('""')
    return is_plain and not any(mark in joined for mark in _SPECIAL_IN_HTML)


def put_out_in_json(written: Callable[[Any], str]) -> Callable[[Any], str]:
    """What a template puts out in JSON for a value that `written` makes text of HTML."""

    def put_out(value: Any) -> str:
        if type(value) is str and _SPECIAL_ANYWHERE.search(value) is None:
            return value
        return in_json(written(value))

    return put_out

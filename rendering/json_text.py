"""Text as it stands between the quotes of a JSON string: what a message is kept and handed over as."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from rendering.links import MESSAGE_MARK

_SPECIAL = re.compile(r'[\x00\x01\x03-\x1f"\\]')
# In HTML and in JSON: most values hold nothing of it, and are looked at once.
_SPECIAL_ANYWHERE = re.compile(rf"[&<>']|{_SPECIAL.pattern}")


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


def put_out_in_json(written: Callable[[Any], str]) -> Callable[[Any], str]:
    """What a template puts out in JSON for a value that `written` makes text of HTML."""

    def put_out(value: Any) -> str:
        if type(value) is str and _SPECIAL_ANYWHERE.search(value) is None:
            return value
        return in_json(written(value))

    return put_out

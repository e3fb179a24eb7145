"""The language of a message and the way it runs: pages in Arabic, Hebrew, Persian or Urdu start at the right."""

from __future__ import annotations

import re

from babel import Locale

_LANGUAGE = re.compile(r'(<(?:html|div)\b[^>]*?\blang=")([^"]*)(")')
_DIRECTION = re.compile(r'\bdir="(?:auto|ltr|rtl)"')
_SIDES = re.compile(r'\b(text-align:\s*|align=")(left|right)\b')
_OTHER = {"left": "right", "right": "left"}


def runs_right_to_left(language: str) -> bool:
    """Whether a language, such as `ar` or `he_IL`, is written from right to left."""
    return Locale.parse(language.replace("-", "_")).text_direction == "rtl"


def directed(html: str, language: str | None) -> str:
    """Compiled HTML that says its language and direction; one that runs from the right is turned around.

    Without a `language` the page keeps what its <mjml lang="…"> says, English where that says nothing."""
    said = _LANGUAGE.search(html)
    language = language or (said[2] if said else "") or "en"
    is_turned = runs_right_to_left(language)
    html = _LANGUAGE.sub(lambda match: match[1] + language.replace("_", "-") + match[3], html)
    html = _DIRECTION.sub(f'dir="{"rtl" if is_turned else "ltr"}"', html)
    return _SIDES.sub(lambda match: match[1] + _OTHER[match[2]], html) if is_turned else html

"""Lint of how a message looks: text that is hard to read, and what dark mode makes of it.

Dark mode: programs that find no `color-scheme` turn colours around by their own lights (Apple Mail, Outlook); text
without a background of its own is drawn on theirs; a picture with transparent parts shows it
(https://www.litmus.com/blog/the-ultimate-guide-to-dark-mode-for-email-marketers)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rendering.campaign import Campaign
from rendering.colours import Text, parsed, texts
from rendering.findings import Finding
from rendering.source import Piece

_SCHEME = re.compile(r'<meta[^>]*name="color-scheme"[^>]*content="[^"]*dark', re.IGNORECASE)
_DARK = re.compile(r"prefers-color-scheme:\s*dark")
_PICTURE = re.compile(r"<(?:img|mj-image)\b(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>", re.IGNORECASE)
_SEE_THROUGH = re.compile(r"src=[\"'][^\"']*\.(png|gif|svg|webp)\b", re.IGNORECASE)
_SHOWN_CHARACTERS = 40


def look_findings(campaign: Campaign, template: list[Piece], html: str) -> Iterator[Finding]:
    """What is wrong with one rendered page of the campaign."""
    for text in texts(html):
        if not text.is_readable:
            file, line = _place(template, text, campaign.template)
            yield Finding(file, line, "error", _contrast(text))
        elif text.background is None and parsed(text.colour) == (0, 0, 0):
            message = (
                f"black text without a background of its own ({_shown(text)}) is drawn on dark in dark mode; "
                "give the section a background-color, or the text a color."
            )
            yield Finding(campaign.template, 1, "warning", message)
    if not _SCHEME.search(html):
        message = (
            'the page does not say that it has a dark form; include the block head, or put <meta name="color-scheme" '
            'content="light dark"> into <mj-raw> of <mj-head>.'
        )
        yield Finding(campaign.template, 1, "warning", message)
    if not _DARK.search(html):
        message = "no style is for dark mode (@media (prefers-color-scheme: dark)); include the block head."
        yield Finding(campaign.template, 1, "warning", message)
    yield from _pictures(template)


def _pictures(template: list[Piece]) -> Iterator[Finding]:
    for piece in template:
        for picture in _PICTURE.finditer(piece.text) if piece.kind == "data" else ():
            if _SEE_THROUGH.search(picture["rest"]) and "background" not in picture["rest"]:
                line = piece.line + piece.text.count("\n", 0, picture.start())
                message = (
                    "the picture may be transparent, and its dark parts vanish in dark mode; use a JPEG, "
                    "or give it a background-color."
                )
                yield Finding(piece.file, line, "warning", message)


def _contrast(text: Text) -> str:
    least = "3:1, large as it is" if text.is_large else "4.5:1"
    return (
        f"{text.colour} on {text.background or 'white'} has a contrast of {text.ratio:.1f}:1 ({_shown(text)}); "
        f"WCAG AA asks for {least}: make the text darker or what is behind it lighter, or the other way round."
    )


def _shown(text: Text) -> str:
    words = text.words
    return f"“{words[:_SHOWN_CHARACTERS]}…”" if len(words) > _SHOWN_CHARACTERS else f"“{words}”"


def _place(template: list[Piece], text: Text, otherwise: Path) -> tuple[Path, int]:
    """Where the words stand in the source, else where their colour does."""
    for wanted in (text.words, text.colour):
        for piece in template:
            if (at := piece.text.lower().find(wanted.lower())) >= 0:
                return piece.file, piece.line + piece.text.count("\n", 0, at)
    return otherwise, 1

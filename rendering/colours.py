"""Contrast of text as WCAG 2.2 measures it, read off the HTML that a person gets.

Relative luminance and contrast ratio: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio; 4.5:1 for text and 3:1 for
large text, which is 24 CSS pixels, or 18.66 in bold (success criterion 1.4.3, level AA)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from rendering.styles import declarations

LEAST_CONTRAST = 4.5
LEAST_CONTRAST_OF_LARGE = 3.0
_LARGE_PIXELS, _LARGE_BOLD_PIXELS = 24.0, 18.66
_BOLD = 700
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))
_UNSEEN = frozenset(("head", "style", "script", "title"))
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgb\((\d+), ?(\d+), ?(\d+)\)", re.IGNORECASE)
_NAMED = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0), "gray": (128, 128, 128)}
_FONT = re.compile(r"(?:(?P<weight>bold|[1-9]00)\s+)?(?P<size>[0-9.]+px)")
_PIXELS = re.compile(r"([0-9.]+)px")

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Text:
    """A piece of text as it is drawn. `background` is None where nothing behind it has a colour of its own."""

    words: str
    colour: str
    background: str | None
    pixels: float
    is_bold: bool

    @property
    def is_large(self) -> bool:
        return self.pixels >= _LARGE_PIXELS or (self.is_bold and self.pixels >= _LARGE_BOLD_PIXELS)

    @property
    def ratio(self) -> float | None:
        """The contrast with what is behind it, white where that has no colour; None for colours that we cannot read."""
        front, back = parsed(self.colour), parsed(self.background or "#ffffff")
        return contrast(front, back) if front and back else None

    @property
    def is_readable(self) -> bool:
        ratio = self.ratio
        return ratio is None or ratio >= (LEAST_CONTRAST_OF_LARGE if self.is_large else LEAST_CONTRAST)


def parsed(colour: str) -> Colour | None:
    """#rgb, #rrggbb, rgb(r, g, b) or a plain name as three numbers from 0 to 255."""
    colour = colour.strip().lower()
    if match := _HEX.fullmatch(colour):
        digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if match := _RGB.fullmatch(colour):
        return int(match[1]), int(match[2]), int(match[3])
    return _NAMED.get(colour)


def contrast(front: Colour, back: Colour) -> float:
    """From 1 for the same colour to 21 for black on white."""
    darker, lighter = sorted((_luminance(front), _luminance(back)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def texts(html: str) -> list[Text]:
    """Every piece of text of a page that is shown, as its inline styles draw it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


@dataclass(frozen=True)
class _Style:
    colour: str = "#000000"
    background: str | None = None
    pixels: float = 16.0
    is_bold: bool = False
    is_hidden: bool = False


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Text] = []
        self._open: list[tuple[str, _Style]] = [("", _Style())]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append((tag, _styled(self._open[-1][1], tag, {name: value or "" for name, value in attrs})))

    def handle_endtag(self, tag: str) -> None:
        if tag in (name for name, _ in self._open[1:]):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        style = self._open[-1][1]
        words = " ".join(data.replace("\xa0", " ").split())
        if words and not style.is_hidden:
            self.found.append(Text(words, style.colour, style.background, style.pixels, style.is_bold))


def _styled(around: _Style, tag: str, attributes: dict[str, str]) -> _Style:
    declared = declarations(attributes.get("style", "").replace("!important", ""))
    if font := _FONT.search(declared.get("font", "")):
        declared = {"font-weight": font["weight"] or "normal", "font-size": font["size"], **declared}
    background = declared.get("background-color") or declared.get("background") or attributes.get("bgcolor")
    pixels = _PIXELS.fullmatch(declared.get("font-size", ""))
    weight = declared.get("font-weight", "bold" if tag in ("b", "strong", "h1", "h2", "h3", "th") else "")
    is_bold = (
        around.is_bold if not weight else weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= _BOLD)
    )
    return _Style(
        colour=declared.get("color") or around.colour,
        background=background if background and parsed(background) else around.background,
        pixels=float(pixels[1]) if pixels else around.pixels,
        is_bold=is_bold,
        is_hidden=around.is_hidden or tag in _UNSEEN or declared.get("display") == "none",
    )

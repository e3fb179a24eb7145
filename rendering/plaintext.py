"""The text part of a message, read off its compiled HTML, with the Jinja still in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from rendering.mjml import Joined, put_back

_SKIPPED = frozenset(("head", "style", "script", "title"))
_PARAGRAPHS = frozenset(("table", "tr", "p", "h1", "h2", "h3", "ul", "ol"))
_LINES = frozenset(("div", "li", "td"))
_VOID = frozenset(("img", "br", "hr", "meta", "link", "input", "col"))
_AROUND_BREAKS = re.compile(r"[ \t]*\n[ \t]*")
_GAPS = re.compile(r"\s*\n\s*\n\s*")
_INDENTS = re.compile(r"\n[ \t]+")
# Stands for an empty line until a message is made; no value can hold it.
PARAGRAPH = "\x03"


def derive(joined: Joined, html: str) -> str:
    """A Jinja template for the text part. Links are `text (address)`, pictures their `alt`; what is hidden
    from the eye (`display:none`) or from readers (`aria-hidden`) is left out. Tags keep their places, so
    that it renders for each person as the HTML does."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = _AROUND_BREAKS.sub("\n", "".join(reader.out))
    return put_back(joined, paragraphs(text))


def paragraphs(source: str) -> str:
    """A template for text with its empty lines as marks, so that what a condition leaves out leaves no gap."""
    return _GAPS.sub(PARAGRAPH, _INDENTS.sub("\n", source.strip()))


def tidy(text: str) -> str:
    """`text` with one empty line between two paragraphs, however many marks stand there."""
    return "\n\n".join(filter(None, map(str.strip, text.split(PARAGRAPH))))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._skipping: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        hidden = "display:none" in values.get("style", "").replace(" ", "") or values.get("aria-hidden") == "true"
        if self._skipping or tag in _SKIPPED or hidden:
            if tag not in _VOID:
                self._skipping.append(tag)
            return
        self._break(tag)
        if tag == "a":
            self._links.append((values.get("href", ""), len(self.out)))
        elif tag == "img" and values.get("alt"):
            self.out.append(values["alt"])
        elif tag == "br":
            self.out.append("\n")
        elif tag == "li":
            self.out.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag in self._skipping:
                while self._skipping.pop() != tag:
                    pass
            return
        if tag == "a" and self._links:
            href, start = self._links.pop()
            label = "".join(self.out[start:]).strip()
            if label and href and not href.startswith("mailto:") and href != label:
                while not self.out[-1].strip():
                    self.out.pop()
                self.out.append(f" ({href})")
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            text = re.sub(r"\s+", " ", data)
            self.out.append(text.lstrip() if self._at_line_start() else text)

    def handle_comment(self, data: str) -> None:
        if not self._skipping and re.fullmatch(r"jinja-\d+", data):
            self.out.append(f"<!--{data}-->")

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.out.append("\n\n")
        elif tag in _LINES and not self._at_line_start():
            self.out.append("\n")

    def _at_line_start(self) -> bool:
        return not self.out or next((part for part in reversed(self.out) if part), "\n").endswith("\n")

"""What a reader's mail program takes out of a message's HTML: the line of its list, the links, the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

# The longest that any of the usual lists of messages shows after the subject.
SNIPPET_CHARACTERS = 140
_SKIPPED = frozenset(("head", "style", "script", "title", "noscript"))


@dataclass(frozen=True)
class Link:
    label: str
    address: str


@dataclass(frozen=True)
class Reading:
    """`snippet` is the beginning of the text as lists of messages show it: the hidden preheader first, and with what is
    hidden from screen readers; the links' labels are without that."""

    snippet: str
    links: tuple[Link, ...]
    pictures_count: int


def read(html: str) -> Reading:
    """What stands in `html`, in its order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = " ".join("".join(reader.text).split())
    snippet = text if len(text) <= SNIPPET_CHARACTERS else text[: SNIPPET_CHARACTERS - 1] + "…"
    return Reading(snippet, tuple(reader.links), reader.pictures_count)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.links: list[Link] = []
        self.pictures_count = 0
        self._skipped: str | None = None
        self._label: list[str] = []
        self._address: str | None = None
        # The element that is hidden from screen readers, and how many of its kind are open in it.
        self._unspoken: tuple[str, int] = ("", 0)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped or tag in _SKIPPED:
            self._skipped = self._skipped or tag
            return
        values = dict(attrs)
        kind, depth = self._unspoken
        if depth:
            self._unspoken = (kind, depth + (tag == kind))
        elif values.get("aria-hidden") == "true":
            self._unspoken = (tag, 1)
        if tag == "a":
            self._address, self._label = values.get("href") or "", []
        elif tag == "img":
            self.pictures_count += 1
            self._say(f" {values.get('alt') or ''} ")
        else:
            self._say(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._skipped = None
            return
        if tag == "a" and self._address is not None:
            self.links.append(Link(" ".join("".join(self._label).split()), self._address))
            self._address = None
        kind, depth = self._unspoken
        if depth and tag == kind:
            self._unspoken = (kind, depth - 1)

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._say(data)

    def _say(self, text: str) -> None:
        self.text.append(text)
        if not self._unspoken[1]:
            self._label.append(text)

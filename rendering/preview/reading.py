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
    """`snippet` is the beginning of the text, hidden preheader first, as lists of messages show it."""

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
        self._open: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped or tag in _SKIPPED:
            self._skipped = self._skipped or tag
            return
        values = dict(attrs)
        if tag == "a":
            self._open = (values.get("href") or "", len(self.text))
        elif tag == "img":
            self.pictures_count += 1
            self.text.append(f" {values.get('alt') or ''} ")
        else:
            self.text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._skipped = None
        elif tag == "a" and self._open:
            address, start = self._open
            self.links.append(Link(" ".join("".join(self.text[start:]).split()), address))
            self._open = None

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.text.append(data)

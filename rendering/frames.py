"""Sections that look the same share one frame: MJML puts a table for Outlook, a block and a table around each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rendering.styles import declarations

# The name of the tag that a number stands for: `set`, `if`, `endif`, …
Named = Callable[[int], str]

_MARKS = re.compile(
    r"(?P<opens><!--\[if mso\]><table[^>]*>)|(?P<closes></table><!\[endif\]-->)|<!--jinja-(?P<tag>\d+)-->"
)
_OPENS = re.compile(
    r"<!--\[if mso\]><table [^>]*><tr><td [^>]*><!\[endif\]-->"
    r'<div(?: class="(?P<classes>[^"]*)")? style="(?P<block>[^"]*)">'
    r'<table [^>]*?style="(?P<table>[^"]*)"><tbody>(?=<tr><td (?P<cell>[^>]*)>)'
)
_CLOSES = "</tbody></table></div><!--[if mso]></td></tr></table><![endif]-->"
# One comment closes what is for Outlook alone and opens the next.
_TOUCHING = "</td></tr></table><table "
_APART = "</td></tr></table><![endif]--><!--[if mso]><table "
# A frame that draws a border or rounds its corners draws them around one section.
_OF_BLOCK = {"margin": "0 auto", "max-width": None, "background-color": None}
_OF_TABLE = {"width": "100%", "background-color": None}
_COLOURS = frozenset(("background", "background-color", "color"))


@dataclass(frozen=True)
class _Item:
    """A part of the page: a section, whose `frame` can be shared if it is not empty; a Jinja `tag`; or all else."""

    text: str
    frame: str = ""
    tag: str = ""

    @property
    def rows(self) -> str:
        return self.text[len(self.frame) : -len(_CLOSES)]


def shared(html: str, named: Named) -> str:
    """`html` in which neighbouring sections with the same frame are rows of one; conditions stay where they are."""
    items = list(_items(html.replace(_TOUCHING, _APART), named))
    out: list[str] = []
    at = 0
    while at < len(items):
        end = _end_of_run(items, at)
        run = items[at : end + 1]
        if sum(bool(item.frame) for item in run) > 1:
            inside = "".join(item.rows if item.frame else item.text for item in run)
            out.append(f"{run[0].frame}{inside}{_CLOSES}")
        else:
            out += [item.text for item in run]
        at = end + 1
    return "".join(out).replace(_APART, _TOUCHING)


def _end_of_run(items: list[_Item], first: int) -> int:
    """The last item that can stand in the frame of the `first` one: whatever conditions say, it is opened and closed
    once."""
    frame, last, depth = items[first].frame, first, 0
    if not frame:
        return first
    for at in range(first + 1, len(items)):
        item = items[at]
        if item.tag in ("if", "for"):
            depth += 1
        elif item.tag in ("endif", "endfor"):
            depth -= 1
        elif item.tag in ("elif", "else"):
            depth -= depth == 0
        elif not item.tag and item.frame != frame:
            break
        if depth < 0:
            break
        if depth == 0:
            last = at
    return last


def _items(html: str, named: Named) -> Iterator[_Item]:
    depth = start = 0
    for mark in _MARKS.finditer(html):
        if depth == 0 and not mark["closes"]:
            if mark.start() > start:
                yield _Item(html[start : mark.start()])
            start = mark.start()
        depth += bool(mark["opens"]) - bool(mark["closes"])
        if depth == 0:
            text, start = html[start : mark.end()], mark.end()
            yield _Item(text, tag=named(int(mark["tag"]))) if mark["tag"] else _Item(text, _frame(html, text))
    if start < len(html):
        yield _Item(html[start:])


def _frame(html: str, section: str) -> str:
    """What opens the section, if nothing but its width, its colour and its class makes it differ from others."""
    opened = _OPENS.match(section)
    if opened is None or not section.endswith(_CLOSES):
        return ""
    is_plain = _within(opened["block"], _OF_BLOCK) and _within(opened["table"], _OF_TABLE)
    # Borders of neighbouring rows become one.
    is_plain = is_plain and "border" not in opened["cell"]
    is_only_coloured = all(_is_only_coloured(html, name) for name in (opened["classes"] or "").split())
    return opened.group() if is_plain and is_only_coloured else ""


def _within(style: str, allowed: dict[str, str | None]) -> bool:
    return all(name in allowed and allowed[name] in (None, value) for name, value in declarations(style).items())


def _is_only_coloured(html: str, name: str) -> bool:
    """Whether no style sheet gives a class more than colours, such as a margin of each section's own."""
    rules = re.findall(rf"\.{re.escape(name)}(?![\w-])[^{{}}]*\{{([^}}]*)\}}", html)
    return all(declarations(rule).keys() <= _COLOURS for rule in rules)

"""MJML compiled once with its Jinja kept out of sight: values become words, tags become comments."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import css_inline
import mrml

from rendering.errors import TemplateError
from rendering.frames import shared
from rendering.minify import minified, with_reset, without_reset
from rendering.source import Piece, tag_name

# `load_remote_stylesheets` is on by default and would fetch; at-rules hold the phone and dark-mode styles.
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)

# Where MJML expects elements, a comment needs <mj-raw> around it; in these it may stand as it is.
_ELEMENTS = frozenset(("mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"))
_MARKUP = frozenset(("mj-text", "mj-table", "mj-button", "mj-raw", "mj-navbar-link", "mj-social-element"))
_WORDS = frozenset(("mj-title", "mj-preview", "mj-style"))
_OTHERS = frozenset(
    {"mj-accordion", "mj-accordion-element", "mj-accordion-text", "mj-accordion-title", "mj-all"}
    | {"mj-attributes", "mj-breakpoint", "mj-carousel", "mj-carousel-image", "mj-class"}
    | {"mj-divider", "mj-font", "mj-head", "mj-image", "mj-navbar", "mj-social", "mj-spacer"}
    | {"mjml"}
)
_KNOWN = _ELEMENTS | _MARKUP | _WORDS | _OTHERS
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"} | {"track", "wbr"}
)
_PARTS = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<name>[A-Za-z][\w-]*)(?:\"[^\"]*\"|'[^']*'|[^>\"'])*?(?P<empty>/?)>"
    r"|jinja-(?P<number>\d+)-t",
    re.DOTALL,
)
_COMMENTS = re.compile(r"<!--jinja-(\d+)-->")
_STASHED = re.compile(r"<!--jinja-(\d+)-->|jinja-(\d+)-[xt]")


@dataclass(frozen=True)
class Joined:
    """Pieces as one text in which Jinja stands as words (`jinja-7-x` a value, `jinja-7-t` a tag)."""

    pieces: tuple[Piece, ...]
    text: str
    starts: tuple[int, ...]

    def at(self, offset: int) -> tuple[Path, int]:
        """The file and line of a place in `text`."""
        index = bisect_right(self.starts, offset) - 1
        piece = self.pieces[index]
        return piece.file, piece.line + self.text.count("\n", self.starts[index], offset)


def join(pieces: list[Piece]) -> Joined:
    """One text of all the pieces."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for number, piece in enumerate(pieces):
        starts.append(length)
        word = {"data": piece.text, "expression": f"jinja-{number}-x", "tag": f"jinja-{number}-t"}[piece.kind]
        parts.append(word)
        length += len(word)
    return Joined(tuple(pieces), "".join(parts), tuple(starts))


def compile_html(joined: Joined) -> str:
    """The HTML of a message with its CSS inlined and its Jinja still stashed.

    TemplateError for elements that are not closed or not known, for a tag where MJML has no place for one,
    and for anything that MJML would drop, move or repeat."""
    try:
        html = mrml.to_html(_hide_tags(joined)).content
    except OSError as error:
        file, line = joined.at(0)
        raise TemplateError(file, line, f"MJML cannot compile this message: {error}.") from error
    html, reset = without_reset(html)
    html = minified(with_reset(_INLINER.inline(html), reset))
    html = shared(html, lambda number: tag_name(joined.pieces[number])[0])
    _check_kept(joined, html)
    return html


def put_back(joined: Joined, stashed: str) -> str:
    """`stashed` with the Jinja in its places."""
    return _STASHED.sub(lambda match: joined.pieces[int(match.group(1) or match.group(2))].text, stashed)


def _hide_tags(joined: Joined) -> str:
    """The text for MJML: tags as comments, in <mj-raw> where elements are expected."""
    opened: list[tuple[str, int]] = []
    out: list[str] = []
    position = 0
    for match in _PARTS.finditer(joined.text):
        out.append(joined.text[position : match.start()])
        position = match.end()
        if match["number"]:
            out.append(_hidden(joined, match, opened[-1][0] if opened else "", [name for name, _ in opened]))
            continue
        out.append(match.group())
        if match["name"]:
            _follow(joined, match, opened)
    if opened:
        file, line = joined.at(opened[-1][1])
        raise TemplateError(file, line, f"<{opened[-1][0]}> is never closed.")
    out.append(joined.text[position:])
    return "".join(out)


def _hidden(joined: Joined, match: re.Match[str], parent: str, path: list[str]) -> str:
    comment = f"<!--jinja-{match['number']}-->"
    if parent in _WORDS:
        return match.group()
    if parent in _ELEMENTS:
        return f"<mj-raw>{comment}</mj-raw>"
    if _MARKUP.intersection(path):
        return comment
    file, line = joined.at(match.start())
    tag = joined.pieces[int(match["number"])].text
    raise TemplateError(file, line, f"{tag} may not stand in <{parent or 'no element'}>; move it into <mj-body>.")


def _follow(joined: Joined, match: re.Match[str], opened: list[tuple[str, int]]) -> None:
    name = match["name"].lower()
    file, line = joined.at(match.start())
    if name.startswith("mj") and name not in _KNOWN:
        raise TemplateError(file, line, f"<{name}> is not an element of MJML, or not one that we use.")
    if match["close"]:
        if not opened or opened[-1][0] != name:
            expected = f"</{opened[-1][0]}> is expected" if opened else "nothing is open"
            raise TemplateError(file, line, f"</{name}> closes what it should not: {expected}.")
        opened.pop()
    elif not match["empty"] and name not in _VOID:
        opened.append((name, match.start()))


def _check_kept(joined: Joined, html: str) -> None:
    kept = [int(number) for number in _COMMENTS.findall(html)]
    words = {int(number) for number in re.findall(r"jinja-(\d+)-[xt]", html)}
    tags = [n for n, piece in enumerate(joined.pieces) if piece.kind == "tag" and n not in words]
    lost = [n for n, piece in enumerate(joined.pieces) if piece.kind == "expression" and n not in words]
    if kept != tags:
        lost += [n for place, n in enumerate(tags) if place >= len(kept) or kept[place] != n]
    if lost:
        piece = joined.pieces[min(lost)]
        raise TemplateError(piece.file, piece.line, f"{piece.text} stands where MJML drops it or moves it.")

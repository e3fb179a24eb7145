"""Template files as pieces, with includes and slots unfolded; each piece knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError, nodes

from rendering.campaign import Campaign
from rendering.cards import fields
from rendering.errors import TemplateError
from rendering.folding import CARD, names
from rendering.located import did_you_mean
from rendering.sandbox import BUILT_IN, CONSTANTS, TAGS

BLOCKS = Path(__file__).parent / "blocks"

_LEXER = Environment()
_TAG = re.compile(r"\{%[-+]?\s*(\w+)\s*(.*?)\s*[-+]?%\}", re.DOTALL)
_QUOTED = re.compile(r"[\"']([a-z0-9_]+)[\"']")


@dataclass(frozen=True)
class Piece:
    """Markup (`data`), a value (`expression`, `{{ … }}`) or a `tag` (`{% … %}`), at a file and line."""

    kind: Literal["data", "expression", "tag"]
    text: str
    file: Path
    line: int


def unfold(campaign: Campaign, file: Path, suffix: str = ".mjml.j2") -> list[Piece]:
    """The pieces of `file` with its blocks in their places; TemplateError names the file and line."""
    return list(_unfold(campaign, file, suffix, (file,)))


def block_file(campaign: Campaign, name: str, suffix: str = ".mjml.j2") -> Path | None:
    """The campaign's own block of that name, else the shared one, else None."""
    candidates = (campaign.folder / "blocks" / f"{name}{suffix}", BLOCKS / f"{name}{suffix}")
    return next((file for file in candidates if file.is_file()), None)


def read(file: Path) -> str:
    """The text of a template file."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(file, 1, f"cannot be read as UTF-8 text ({error}).") from error


def pieces(file: Path, text: str) -> list[Piece]:
    """`text` cut by Jinja's own lexer; comments are left out."""
    found: list[Piece] = []
    opened: list[str] = []
    started = 1
    try:
        for line, kind, value in _LEXER.lex(text):
            if kind == "data":
                found.append(Piece("data", value, file, line))
            elif kind == "raw_begin":
                raise TemplateError(file, line, "{% raw %} may not be used; write the text in quotes: {{ '{{' }}.")
            elif kind in ("variable_begin", "block_begin", "comment_begin"):
                opened, started = [value], line
            elif kind in ("variable_end", "block_end"):
                source = "".join([*opened, value])
                found.append(Piece("expression" if kind == "variable_end" else "tag", source, file, started))
                opened = []
            elif kind == "comment_end":
                opened = []
            else:
                opened.append(value)
    except TemplateSyntaxError as error:
        raise TemplateError(file, error.lineno, f"{error.message}") from error
    if opened:
        raise TemplateError(file, started, f"{opened[0]} is never closed; close it on its line.")
    return found


def tag_name(piece: Piece) -> tuple[str, str]:
    """The name of a tag and the rest of it."""
    match = _TAG.fullmatch(piece.text)
    name, rest = match.groups() if match else ("", "")
    if name not in TAGS:
        hint = did_you_mean(name, tuple(TAGS))
        raise TemplateError(piece.file, piece.line, f"{{% {name} %}} may not be used in a message.{hint}")
    return name, rest


def _unfold(campaign: Campaign, file: Path, suffix: str, path: tuple[Path, ...]) -> Iterator[Piece]:
    text = read(file)
    check_syntax(file, text)
    for piece in pieces(file, text):
        name, rest = tag_name(piece) if piece.kind == "tag" else ("", "")
        if name == "include":
            yield from _block(campaign, _argument(piece, rest), piece, suffix, path)
        elif name == "slot":
            yield from _slot(campaign, _argument(piece, rest), piece, suffix, path)
        else:
            yield piece


def check_syntax(file: Path, text: str) -> None:
    """Every file must be whole by itself: what it opens, it closes. TemplateError names the line."""
    filled = "".join(_without_our_tags(piece) for piece in pieces_with_lines(file, text))
    try:
        _LEXER.parse(filled)
    except TemplateSyntaxError as error:
        raise TemplateError(file, error.lineno, f"{error.message}") from error


def pieces_with_lines(file: Path, text: str) -> Iterator[Piece]:
    """The pieces, each filled up with the line ends that comments and whitespace control take away."""
    line = 1
    for piece in pieces(file, text):
        yield Piece("data", "\n" * (piece.line - line), file, line)
        line = max(line, piece.line) + piece.text.count("\n")
        yield piece


def _without_our_tags(piece: Piece) -> str:
    if piece.kind == "tag" and tag_name(piece)[0] in ("include", "slot"):
        return "\n" * piece.text.count("\n")
    return piece.text


def _argument(piece: Piece, rest: str) -> str:
    match = _QUOTED.fullmatch(rest)
    if match is None:
        raise TemplateError(piece.file, piece.line, f'{piece.text} must name one thing in quotes: "hero".')
    return match.group(1)


def _block(campaign: Campaign, name: str, at: Piece, suffix: str, path: tuple[Path, ...]) -> Iterator[Piece]:
    file = block_file(campaign, name, suffix)
    if file is None:
        known = tuple(each.name.removesuffix(suffix) for each in BLOCKS.glob(f"*{suffix}"))
        places = f"{campaign.folder / 'blocks'} or {BLOCKS}"
        hint = did_you_mean(name, known)
        raise TemplateError(at.file, at.line, f"there is no block {name}{suffix} in {places}.{hint}")
    if file in path:
        raise TemplateError(at.file, at.line, f"the block {name} includes itself; remove the circle.")
    inside = list(_unfold(campaign, file, suffix, (*path, file)))
    record = _record_of(campaign, inside)
    if record is None:
        yield from inside
        return
    yield Piece("tag", f"{{% if {record} | {CARD} %}}", at.file, at.line)
    yield from inside
    yield Piece("tag", "{% endif %}", at.file, at.line)


def _record_of(campaign: Campaign, inside: list[Piece]) -> str | None:
    """The one record that a block speaks of, which makes it a card: it reads nothing else that the person brings."""
    source = "".join(piece.text for piece in inside if piece.kind != "data")
    try:
        tree = _LEXER.parse(source)
    except TemplateSyntaxError:
        return None  # compiling says so, with the line
    if CARD in (each.name for each in tree.find_all(nodes.Filter)):
        return None
    free = set(names(tree, "load")) - set(names(tree, "store")) - CONSTANTS
    if len(free) != 1 or free & (BUILT_IN | set(campaign.tokens)):
        return None
    (record,) = free
    return record if any(fields(node, record) for node in tree.body) else None


def _slot(campaign: Campaign, slot: str, at: Piece, suffix: str, path: tuple[Path, ...]) -> Iterator[Piece]:
    """Each block of the slot under the condition that it was chosen."""
    if slot not in campaign.slots:
        hint = did_you_mean(slot, tuple(campaign.slots))
        raise TemplateError(at.file, at.line, f"campaign.yml declares no slot {slot}.{hint}")
    blocks = tuple(dict.fromkeys(rule.block for rule in campaign.slots[slot]))
    if not blocks:
        return
    for number, block in enumerate(blocks):
        word = "elif" if number else "if"
        yield Piece("tag", f'{{% {word} slots.{slot} == "{block}" %}}', at.file, at.line)
        yield from _block(campaign, block, at, suffix, path)
    yield Piece("tag", "{% endif %}", at.file, at.line)

"""Which names a template takes from outside, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

from rendering.errors import TemplateError
from rendering.source import Piece

_PARSER = Environment()
_HEADER = re.compile(r"\s*\{#(?P<text>.*?)#\}", re.DOTALL)
_LISTED = re.compile(r"tokens:(?P<names>[^#]*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Use:
    """A name that a template reads and does not set itself."""

    name: str
    file: Path
    line: int


def uses(pieces: list[Piece]) -> list[Use]:
    """Every reading of a name that is set nowhere among `pieces`, in their order."""
    # One piece a line, so that the parser's line numbers are numbers of pieces.
    source = "\n".join(" " if piece.kind == "data" else " ".join(piece.text.split()) for piece in pieces)
    try:
        tree = _PARSER.parse(source)
    except TemplateSyntaxError as error:
        at = pieces[min(error.lineno, len(pieces)) - 1]
        raise TemplateError(at.file, at.line, f"{error.message}") from error
    names = list(tree.find_all(nodes.Name))
    own = {"loop"} | {name.name for name in names if name.ctx in ("store", "param")}
    found = []
    for name in names:
        if name.ctx == "load" and name.name not in own:
            piece = pieces[name.lineno - 1]
            found.append(Use(name.name, piece.file, piece.line))
    return found


def header_tokens(text: str) -> set[str] | None:
    """The tokens that the comment at the head of a block lists; None without such a comment."""
    header = _HEADER.match(text)
    listed = _LISTED.search(header["text"]) if header else None
    return None if listed is None else set(re.findall(r"\w+", listed["names"]))

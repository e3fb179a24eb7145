"""One message's values while its templates are filled in, and the limits that hold for each message."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, Template, pass_context
from jinja2.runtime import Context, missing

from rendering.errors import LimitError
from rendering.links import MESSAGE_MARK

if TYPE_CHECKING:
    from rendering.links import Site

# A message of the largest shipped campaign takes 24 rounds and 30 KB.
MAX_ROUNDS = 10_000
MAX_OUTPUT_CHARACTERS = 1_000_000
# A message takes 0.1 milliseconds; so long only takes one whose template was written to take it.
MAX_SECONDS = 5.0


class Writing(NamedTuple):
    """How values are written for one reader."""

    locale: str
    currency: str
    timezone: str | None


class Values(dict[str, Any]):
    """What templates may read; a name that is not there is undefined, and never looked for elsewhere."""

    def __missing__(self, key: str) -> Any:
        return missing


class Filling(Context):
    """The context of one message, which all its templates share: Jinja's own costs more than a template's values."""

    def __init__(
        self, env: Environment, values: Values, writing: Writing, site: Site | None = None, reference: str = ""
    ) -> None:
        # Context.__init__ is left out on purpose: it copies the values and makes what only inheritance needs.
        self.parent = values
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()
        self.environment = env
        self.eval_ctx = env.evaluation  # type: ignore[attr-defined]
        self.name = None
        self.blocks = {}
        self.resolve_or_missing = values.__getitem__  # type: ignore[method-assign, assignment]
        self.writing = writing
        self.site = site
        self.reference = reference
        self.rounds = MAX_ROUNDS
        self.until = time.monotonic() + MAX_SECONDS


def fill(template: Template, context: Filling) -> str:
    """The text of `template`; LimitError when it is longer than any message may be."""
    text = "".join(template.root_render_func(context))
    if MESSAGE_MARK in text:  # from a value that went through `link` and a `set`; all others are filled in already
        text = text.replace(MESSAGE_MARK, context.reference)
    # In JSON it is longer than what is read of it.
    if len(text) > MAX_OUTPUT_CHARACTERS and template.environment.length(text) > MAX_OUTPUT_CHARACTERS:  # type: ignore[attr-defined]
        raise LimitError(f"has more than {MAX_OUTPUT_CHARACTERS:,} characters; take something out.")
    return text


@pass_context
def limited(context: Filling, items: Iterable[Any]) -> list[Any]:
    """What a loop goes through, taken from the rounds and the time that are left for the message."""
    rounds = items if type(items) is list else list(islice(items, context.rounds + 1))
    context.rounds -= len(rounds)
    if context.rounds < 0:
        raise LimitError(f"its loops go round more than {MAX_ROUNDS:,} times; shorten a list.")
    if time.monotonic() > context.until:
        raise LimitError(f"takes more than {MAX_SECONDS:g} seconds; simplify its loops.")
    return rounds

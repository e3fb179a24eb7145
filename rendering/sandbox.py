"""The Jinja environments: sandboxed, strict about what is undefined, with our filters and a few tags."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from rendering import wording
from rendering.campaign import Campaign
from rendering.links import picture, with_utm
from rendering.tokens import day

# Names that every template may use beside the declared tokens.
BUILT_IN = frozenset(
    {"postal_address", "preferences_url", "preheader", "sender_name", "slots", "subject"}
    | {"unsubscribe_url", "variant", "website"}
)
TAGS = frozenset(("if", "elif", "else", "endif", "for", "endfor", "set", "include", "slot"))
FILTERS = frozenset(
    {"batch", "capitalize", "first", "int", "last", "length", "lower", "max", "min", "round"}
    | {"slice", "sort", "trim", "truncate", "upper"}
)

_KEPT = 65_536
_SPECIAL = re.compile("[&<>\"']")


class _OneCall(CodeGenerator):
    """Writes one call for each value where Jinja has two: escaping was half the cost of a message."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("environment.written(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")


class Sandbox(SandboxedEnvironment):
    """Records are plain dicts: `item.name` is their entry, never a method, and costs one look-up."""

    code_generator_class = _OneCall
    written: Callable[[Any], str]

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def environment(campaign: Campaign, *, autoescape: bool) -> Sandbox:
    """The environment of one campaign; HTML escapes every value, text and subjects none."""
    env = Sandbox(autoescape=autoescape, undefined=StrictUndefined)
    env.written = _escaped if autoescape else _plain
    env.filters = {name: function for name, function in env.filters.items() if name in FILTERS}
    env.globals = {}
    written: Callable[[Any], str] = escape if autoescape else str

    def cached(function: Callable[[Any], str]) -> Callable[[Any], str]:
        """Products come up again and again, so what a filter makes of a value is escaped and kept."""
        return lru_cache(_KEPT)(lambda value: written(function(value)))

    @lru_cache(_KEPT)
    def amount(value: Any, currency: str, locale: str) -> str:
        return written(wording.money(value, currency, locale))

    @pass_context
    def money(context: Context, value: Any, currency: str | None = None) -> str:
        return amount(value, currency or context["_currency"], context["_locale"])

    @pass_context
    def date(context: Context, value: Any, style: str = "long") -> str:
        return day(value, style, context["_timezone"], context["_locale"])

    utm, website = campaign.utm, campaign.website
    env.filters.update(
        {
            "link": cached(lambda url: with_utm(url or "", utm, website)),
            "picture": cached(picture),
            "readable": cached(wording.readable),
            "initial": cached(wording.initial),
            "tile_colour": cached(wording.tile_colour),
            "money": money,
            "date": date,
            "list_join": wording.list_join,
            "total": wording.total,
        }
    )
    return env


def _escaped(value: Any) -> str:
    """`value` for HTML: text that is marked as escaped stays, all other is escaped, None is nothing."""
    kind = type(value)
    if kind is Markup:
        return cast(str, value)
    if kind is str:
        return value if _SPECIAL.search(value) is None else escape(value)
    return "" if value is None else escape(value)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)

"""The Jinja environments: sandboxed, strict about what is undefined, with our filters and a few tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import LoopContext, Undefined, missing
from jinja2.sandbox import SandboxedEnvironment, SecurityError
from markupsafe import Markup, escape

from rendering import wording
from rendering.campaign import Campaign
from rendering.errors import LimitError
from rendering.filling import Filling, limited
from rendering.folding import CARD, LIMITED
from rendering.items import Item
from rendering.json_text import in_json, length, put_out_in_json
from rendering.links import MESSAGE_MARK, click_url, picture, tracked
from rendering.tokens import day

# Names that every template may use beside the declared tokens, and those among them that are the same for all.
CONSTANTS = frozenset({"postal_address", "sender_name", "website"})
BUILT_IN = CONSTANTS | {"hidden_url", "preferences_url", "preheader", "slots", "subject", "unsubscribe_url", "variant"}
TAGS = frozenset(("if", "elif", "else", "endif", "for", "endfor", "set", "include", "slot"))
FILTERS = frozenset(
    {"capitalize", "first", "int", "last", "length", "lower", "max", "min", "round"}
    | {"sort", "trim", "truncate", "upper"}
)

_KEPT = 8_192
_MAX_TEXT = 100_000
_SPECIAL = re.compile("[&<>\"']")
_TEXT = {str}
_OF_LOOPS = frozenset(("index", "index0", "revindex", "revindex0", "first", "last", "length"))


class _OneCall(CodeGenerator):
    """Writes one call for each value where Jinja has two: escaping was half the cost of a message.

    What a card gives is markup already, and is written as it is."""

    environment: Sandbox

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("written = environment.put_out")
        self.writeline("attribute = environment.getattr")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if not _is_card(node):
            self.write("written(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if not _is_card(node):
            self.write(")")

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        """Constants as one text, cut where the message is named: a text is copied in less time than it is searched."""
        parts = self.environment.constant("".join(map(str, group))).split(MESSAGE_MARK)
        return repr(parts[0]) if len(parts) == 1 else f"context.reference.join({tuple(parts)!r})"

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        self.write("attribute(")
        self.visit(node.node, frame)
        self.write(f", {node.attr!r})")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        self.fail("A template may not call anything; use a filter: {{ value | filter }}.", node.lineno)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined((")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")


class Sandbox(SandboxedEnvironment):
    """Records are plain dicts: `item.name` is their entry, never a method, and costs one look-up.

    Beside them only loops have attributes. Nothing can be called, and no value can be made so large that making
    it takes the machine."""

    code_generator_class = _OneCall
    intercepted_binops = frozenset(("*", "**", "%", "+"))
    # A value as text of the message, which a filter may give too; as the template puts it out, and what it says to all.
    written: Callable[[Any], str]
    put_out: Callable[[Any], str]
    constant: Callable[[str], str]
    # How long what it put out is for whoever reads it.
    length: Callable[[str], int]
    evaluation: nodes.EvalContext
    joined: Callable[[tuple[Any, ...]], str]

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is Item:
            shared, own = obj
            obj = own if attribute in own else shared
        if type(obj) is dict:
            value = obj.get(attribute, missing)
            return self.undefined(obj=obj, name=attribute) if value is missing else value
        if isinstance(obj, Undefined):
            return obj._fail_with_undefined_error()  # says what is undefined; its own attributes are Python's
        if isinstance(obj, LoopContext) and attribute in _OF_LOOPS:
            return getattr(obj, attribute)
        return self.unsafe_undefined(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is Item:
            return self.getattr(obj, argument)
        if type(obj) in (dict, list, tuple, str) or isinstance(obj, Undefined):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(obj=obj, name=argument)
        return self.unsafe_undefined(obj, str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (_is_number(left) and _is_number(right)):
            raise SecurityError(f"{operator} works on numbers only, and ** not at all; join texts with ~.")
        return super().call_binop(context, operator, left, right)


def environment(campaign: Campaign, *, autoescape: bool, is_in_json: bool = False) -> Sandbox:
    """The environment of one campaign; HTML escapes every value, text and subjects none.

    What is in JSON comes out as it stands between the quotes of a JSON string."""
    env = Sandbox(autoescape=autoescape, undefined=StrictUndefined)
    furnish(env, campaign, autoescape=autoescape, is_in_json=is_in_json)
    return env


def furnish(env: Sandbox, campaign: Campaign, *, autoescape: bool, is_in_json: bool) -> None:
    """Gives an environment all that templates may use."""
    env.written = _escaped if autoescape else _plain
    env.put_out = put_out_in_json(env.written) if is_in_json else env.written
    env.constant = in_json if is_in_json else str
    env.length = length if is_in_json else len
    env.joined = _joined
    env.filters = {name: function for name, function in env.filters.items() if name in FILTERS}
    env.globals = {}
    env.tests = {name: test for name, test in env.tests.items() if name in ("defined", "none", "number", "string")}
    env.evaluation = nodes.EvalContext(env)
    written = env.written  # text without special characters stays plain: to mark it costs more than to look again

    def cached(function: Callable[[Any], str]) -> Callable[[Any], str]:
        """Products come up again and again, so what a filter makes of a value is escaped and kept."""
        return lru_cache(_KEPT)(lambda value: written(function(value)))

    @pass_context
    def money(context: Filling, value: Any, currency: str | None = None) -> str:
        return written(wording.money(value, currency or context.writing.currency, context.writing.locale))

    @pass_context
    def date(context: Filling, value: Any, style: str = "long") -> str:
        return day(value, style, context.writing.timezone, context.writing.locale)

    @pass_context
    def number(context: Filling, value: Any) -> str:
        return written(wording.number(value, context.writing.locale))

    @pass_context
    def plural(context: Filling, value: Any, **forms: str) -> str:
        if "other" not in forms:
            raise ValueError("plural needs at least the form other")
        return written(wording.plural(value, context.writing.locale, tuple(forms.items())))

    @pass_context
    def list_join(context: Filling, items: Any, style: str = "and") -> str:
        return written(wording.listed(items, context.writing.locale, style))

    utm, website = campaign.utm, campaign.website

    @pass_context
    def redirected(context: Filling, url: Any) -> str:
        if context.site is None:
            raise ValueError("a link that counts clicks needs the service's address")
        return written(click_url(context.site, tracked(url or "", utm, website)))

    plain = cached(lambda url: tracked(url or "", utm, website))
    env.filters.update(
        {
            "batch": _batch,
            "link": redirected if campaign.links == "redirect" else plain,
            "picture": cached(picture),
            "readable": cached(wording.readable),
            "initial": cached(wording.initial),
            "tile_colour": cached(wording.tile_colour),
            "money": money,
            "date": date,
            "number": number,
            "plural": plural,
            "name": wording.name,
            "list_join": list_join,
            "total": wording.total,
            LIMITED: limited,
        }
    )


def _is_card(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Filter) and node.name.startswith(f"{CARD}_")


def _is_number(value: Any) -> bool:
    return hasattr(value, "__round__") and not isinstance(value, str)


def _joined(parts: tuple[Any, ...]) -> str:
    """What `~` makes: plain text that is escaped where it is written, or markup where a part is; None is nothing."""
    kinds = set(map(type, parts))
    if kinds == _TEXT:
        text = "".join(parts)
    elif Markup in kinds:
        text = Markup("".join([_escaped(part) for part in parts]))
    else:
        text = "".join(["" if part is None else str(part) for part in parts])
    if len(text) > _MAX_TEXT:
        raise LimitError(f"a text has more than {_MAX_TEXT:,} characters; shorten it.")
    return text


def _batch(items: Iterable[Any], count: int) -> list[list[Any]]:
    """Groups of `count`, the last as long as what is left."""
    if not isinstance(count, int) or count < 1:
        raise ValueError("batch needs a whole number from 1 up")
    all_of_them = list(items)
    return [all_of_them[start : start + count] for start in range(0, len(all_of_them), count)]


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

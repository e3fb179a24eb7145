"""One message as a page shows it: what it says, and why this person sees this."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rendering.campaign import Campaign
from rendering.decisions import columns_used
from rendering.derived import derive, is_derived
from rendering.errors import PredicateError, RenderError
from rendering.links import Site
from rendering.parts import Rule, Token
from rendering.payload import Payload, render
from rendering.preview.reading import Link, read
from rendering.templates import Compiled
from rendering.tokens import clean, locale_of

HIDDEN = "hidden: this field decides, and is never printed"


@dataclass(frozen=True)
class ShownRule:
    """A rule of a slot: `won`, `passed` over because it did not hold, or `unreached` behind the one that won."""

    name: str
    when: str | None
    block: str
    state: str


@dataclass(frozen=True)
class ShownSlot:
    """A slot with its rules in their order, and the fields that they read as this person has them."""

    name: str
    block: str
    rules: tuple[ShownRule, ...]
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShownToken:
    name: str
    type: str
    value: str
    is_fallback: bool


@dataclass(frozen=True)
class ShownProduct:
    rank: int
    product_id: str
    name: str
    price: str
    list: str
    reason: str
    model_version: str


@dataclass(frozen=True)
class Shown:
    """A message on a page. `problem` says why it could not be rendered; then it has no subject, HTML and text."""

    campaign: str
    variant: str
    person_id: str
    subject: str
    snippet: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]
    html_bytes: int
    links: tuple[Link, ...]
    pictures_count: int
    slots: tuple[ShownSlot, ...]
    tokens: tuple[ShownToken, ...]
    products: tuple[ShownProduct, ...]
    problem: str | None = None


def show(
    compiled: Compiled,
    record: Mapping[str, Any],
    site: Site,
    sensitive: Collection[str],
    problem: str | None = None,
) -> tuple[Shown, Payload | None]:
    """The message of one record as planning gets it (the rules that won under `rules`), and its payload; None for one
    that cannot be rendered. Of the fields in `sensitive` no value is shown."""
    campaign = compiled.of(record["variant"]).campaign
    rules = record["rules"] or {}
    slots = {slot: campaign.block_of(slot, rule) for slot, rule in rules.items()}
    payload = None
    try:
        payload = render(compiled, {**record, "slots": slots}, site) if problem is None else None
    except RenderError as error:
        problem = error.reason
    reading = read(payload.html if payload else "")
    shown = Shown(
        campaign=campaign.name,
        variant=record["variant"],
        person_id=record["person_id"],
        subject=payload.subject if payload else "",
        snippet=reading.snippet,
        html=payload.html if payload else "",
        text=payload.text if payload else "",
        headers=payload.headers if payload else (),
        html_bytes=len(payload.html.encode()) if payload else 0,
        links=reading.links,
        pictures_count=reading.pictures_count,
        slots=tuple(_slot(campaign, slot, rule, record, sensitive) for slot, rule in sorted(rules.items())),
        tokens=tuple(_token(token, record, campaign, sensitive) for _, token in sorted(campaign.tokens.items())),
        products=tuple(_product(product) for product in record.get("recommendations") or []),
        problem=problem,
    )
    return shown, payload


def is_filled(value: Any) -> bool:
    """Whether a record's value stands in the message itself, and not the fallback."""
    if isinstance(value, str):
        return bool(clean(value).strip())
    return value is not None and value != [] and value == value  # not a number is no value


def _slot(campaign: Campaign, slot: str, won: str, record: Mapping[str, Any], sensitive: Collection[str]) -> ShownSlot:
    rules = campaign.slots[slot]
    at = [rule.name for rule in rules].index(won)
    states = ["passed"] * at + ["won"] + ["unreached"] * (len(rules) - at - 1)
    columns = sorted({column for rule in rules for column in _columns(rule)})
    return ShownSlot(
        name=slot,
        block=rules[at].block,
        rules=tuple(
            ShownRule(rule.name, rule.when, rule.block, state) for rule, state in zip(rules, states, strict=True)
        ),
        fields=tuple((column, HIDDEN if column in sensitive else _written(record.get(column))) for column in columns),
    )


def _columns(rule: Rule) -> set[str]:
    try:
        return columns_used(rule.when) if rule.when else set()
    except PredicateError:  # lint says what is wrong with it
        return set()


def _token(token: Token, record: Mapping[str, Any], campaign: Campaign, sensitive: Collection[str]) -> ShownToken:
    value = record.get(token.name)
    if value is None and is_derived(token.name):
        value = derive(token.name, record.get, locale_of(campaign, record.get("language"), record.get("country")))
    if not is_filled(value):
        written = _written(token.fallback) if token.has_fallback else "missing, and no fallback is declared"
        return ShownToken(token.name, token.type, written, is_fallback=True)
    return ShownToken(token.name, token.type, HIDDEN if token.name in sensitive else _written(value), is_fallback=False)


def _product(product: Mapping[str, Any]) -> ShownProduct:
    price = product.get("price")
    return ShownProduct(
        rank=int(product["rank"]),
        product_id=str(product["product_id"]),
        name=_written(product.get("name")),
        price="" if price is None else f"{price} {product.get('currency') or ''}".strip(),
        list=str(product["list"]),
        reason=_written(product.get("reason")),
        model_version=_written(product.get("model_version")),
    )


def _written(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "nothing" if not value else f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(str(value))

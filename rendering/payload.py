"""Payloads: one rendered message a person, in our notions; adapters turn them into a vendor's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Template
from jinja2 import TemplateError as JinjaError

from rendering.errors import RenderError, TokenError
from rendering.links import Site
from rendering.plaintext import tidy
from rendering.templates import Compiled
from rendering.tokens import clean, context

# Fields of a record that every message needs, whatever its campaign declares.
MESSAGE_FIELDS = ("message_id", "person_id", "occurrence", "variant", "email")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_ADDRESS = re.compile(r"[^\s<>,;:\"@\x00-\x1f\x7f]+@[^\s<>,;:\"@\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Payload:
    """A message that is ready to be handed over. `subject` and `headers` are single lines."""

    message_id: str
    person_id: str
    campaign: str
    occurrence: str
    variant: str | None
    to_email: str
    from_name: str
    from_email: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]


def render_batch(
    compiled: Compiled,
    records: Iterable[Mapping[str, Any]],
    site: Site,
    on_error: Callable[[RenderError], None] | None = None,
) -> Iterator[Payload]:
    """One payload for each record, in their order. A record that cannot be rendered goes to `on_error` and is
    left out; without `on_error` its RenderError is raised."""
    for record in records:
        try:
            yield render(compiled, record, site)
        except RenderError as error:
            if on_error is None:
                raise
            on_error(error)


def render(compiled: Compiled, record: Mapping[str, Any], site: Site) -> Payload:
    """The message of one person. RenderError says which value or decision is missing or wrong."""
    message_id = str(record.get("message_id"))
    variant = record.get("variant")
    compiled = compiled.of(variant)
    campaign = compiled.campaign
    try:
        values = context(record, campaign)
        _identify(message_id, record)
        unsubscribe_url = site.unsubscribe_url(message_id, campaign.purpose)
        values["unsubscribe_url"] = unsubscribe_url
        values["preferences_url"] = site.preferences_url(message_id, campaign.purpose)
        values["postal_address"] = campaign.postal_address
        values["sender_name"] = campaign.sender.name
        values["website"] = campaign.website
        values["variant"] = variant
        values["slots"] = _decided(compiled, record)
        values["subject"] = subject = _one_line(_filled(_subject(compiled, variant), values))
        values["preheader"] = _one_line(_filled(compiled.preheader, values))
        html = _filled(compiled.html, values)
        text = tidy(_filled(compiled.text, values)) + "\n"
    except (TokenError, JinjaError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise RenderError(message_id, campaign.name, _reason(error)) from error
    return Payload(
        message_id=message_id,
        person_id=str(record["person_id"]),
        campaign=campaign.name,
        occurrence=str(record["occurrence"]),
        variant=variant,
        to_email=record["email"],
        from_name=campaign.sender.name,
        from_email=campaign.sender.email,
        reply_to=campaign.sender.reply_to,
        subject=subject,
        html=html,
        text=text,
        headers=_headers(compiled, message_id, record, unsubscribe_url),
    )


def _identify(message_id: str, record: Mapping[str, Any]) -> None:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise TokenError("message_id must be letters, digits, '-', '_' and '.'")
    for key in ("person_id", "occurrence", "email"):
        if not record.get(key):
            raise TokenError(f"{key} is missing")
    if not _ADDRESS.fullmatch(record["email"]):
        raise TokenError("email is not one plain address")  # and is not repeated here: this may be logged


def _decided(compiled: Compiled, record: Mapping[str, Any]) -> Mapping[str, str]:
    """The chosen blocks; what was recorded is what is shown, so nothing is guessed here."""
    chosen: Mapping[str, str] = record.get("slots") or {}
    for slot, blocks in compiled.blocks.items():
        if chosen.get(slot) not in blocks:
            raise TokenError(f"the decision for slot {slot} is {chosen.get(slot)!r}, not one of {sorted(blocks)}")
    return dict(chosen)


def _filled(template: Template, values: dict[str, Any]) -> str:
    """`Template.render` without its copies of the values: four templates share one set."""
    return "".join(template.root_render_func(template.new_context(values, shared=True)))


def _subject(compiled: Compiled, variant: str | None) -> Template:
    if variant is not None and compiled.campaign.variants and variant not in compiled.subjects:
        raise TokenError(f"{variant!r} is not a variant of this campaign")
    return compiled.subjects.get(variant) or compiled.subjects[None]


def _headers(
    compiled: Compiled, message_id: str, record: Mapping[str, Any], unsubscribe_url: str
) -> tuple[tuple[str, str], ...]:
    campaign = compiled.campaign
    parts = (campaign.name, record["occurrence"], record.get("variant"), campaign.sender.domain)
    return (
        ("List-Unsubscribe", f"<{unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("X-Sincerely-Message-Id", message_id),
        ("Feedback-ID", _feedback_id(*parts)),
    )


@lru_cache(maxsize=1_024)
def _feedback_id(campaign: str, occurrence: Any, variant: str | None, domain: str) -> str:
    """What Gmail's reports are split by: the campaign and never the person."""
    parts = (campaign, str(occurrence), variant or "all", domain)
    return ":".join(re.sub(r"[^A-Za-z0-9_.-]+", "-", part) for part in parts)


def _one_line(text: str) -> str:
    return clean(" ".join(text.split()))


def _reason(error: Exception) -> str:
    """What went wrong, without the person's values: errors of Python may quote them."""
    if isinstance(error, TokenError | JinjaError):
        return str(error)
    return f"a value does not fit its place in the template ({type(error).__name__})"

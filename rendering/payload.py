"""Payloads: one rendered message a person, in our notions; adapters turn them into a vendor's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Template
from jinja2 import TemplateError as JinjaError

from rendering.campaign import Campaign
from rendering.contents import Content
from rendering.errors import LimitError, RenderError, TokenError
from rendering.filling import Filling, Values, Writing, fill
from rendering.json_text import escaped
from rendering.links import Site
from rendering.merge_data import MergeData
from rendering.plaintext import tidy
from rendering.templates import Compiled
from rendering.tokens import clean, context, writing

# Fields of a record that every message needs, whatever its campaign declares.
MESSAGE_FIELDS = ("message_id", "person_id", "occurrence", "variant", "email")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_ADDRESS = re.compile(r"[^\s<>,;:\"@\x00-\x1f\x7f]+@[^\s<>,;:\"@\x00-\x1f\x7f]+")


class Payload(NamedTuple):
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
    # A vendor's own template, and the JSON object of what it fills in. A message that is to be kept has that alone, or
    # without such a template one of `subject`, `html` and `text`; a preview has what others would get, too.
    template_id: str | None = None
    data: bytes | Content | None = None


def render(compiled: Compiled, record: Mapping[str, Any], site: Site) -> Payload:
    """The message of one person. RenderError says which value or decision is missing or wrong."""
    message_id = str(record.get("message_id"))
    compiled = compiled.of(record.get("variant"))
    try:
        values = context(record, compiled.campaign)
        person_id, occurrence, email = (record.get(name) or "" for name in ("person_id", "occurrence", "email"))
        recipient = Recipient(message_id, str(person_id), str(occurrence), record.get("variant"), email)
        complete(recipient)
        slots = decided(compiled, record.get("slots") or {})
    except FAULTS as error:
        raise RenderError(message_id, compiled.campaign.name, reason(error)) from error
    merge_data = MergeData(compiled.campaign, site) if compiled.campaign.dynamic_template else None
    return message(compiled, recipient, values, writing(record, compiled.campaign), slots, site, merge_data)


class Recipient(NamedTuple):
    """Whose message it is, and which."""

    message_id: str
    person_id: str
    occurrence: str
    variant: str | None
    email: str


# What a template or a value can do wrong; all else is our own mistake.
FAULTS = (TokenError, LimitError, JinjaError, ArithmeticError, AttributeError, TypeError, ValueError, LookupError)


def message(
    compiled: Compiled,
    to: Recipient,
    values: Values,
    writing: Writing,
    slots: Mapping[str, str],
    site: Site,
    merge_data: MergeData | None = None,
    *,
    is_kept: bool = False,
) -> Payload:
    """The message made of checked `values`, which are used up: what templates share is added to them.

    `merge_data` adds what the campaign's template at the vendor is given. One that `is_kept` has its content in `data`
    alone."""
    campaign = compiled.campaign
    try:
        unsubscribe_url, preferences_url, reference = addressed(to, campaign, site)
        values["unsubscribe_url"] = unsubscribe_url
        values["preferences_url"] = preferences_url
        values["hidden_url"] = site.hidden_url(reference)
        values["variant"] = to.variant
        values["slots"] = slots
        filling = Filling(compiled.html.environment, values, writing, site, reference)
        values["subject"] = subject = one_line(fill(_subject(compiled, to.variant), filling))
        values["preheader"] = one_line(fill(compiled.preheader, filling))
        data = merge_data.written(values, reference) if merge_data else None
        html = text = ""
        if not is_kept:
            html, text = fill(compiled.html, filling), paragraphed(fill(compiled.text, filling))
        elif data is None:
            text = paragraphed(fill(compiled.text, filling))
            data, text = kept(subject, text, fill(compiled.html_in_json, filling)), ""
    except FAULTS as error:
        raise RenderError(to.message_id, campaign.name, reason(error)) from error
    template_id = campaign.dynamic_template if merge_data else None
    return payload(campaign, to, unsubscribe_url, subject, html, text, template_id, data)


def complete(to: Recipient) -> None:
    """Raises TokenError where what a message needs to be one is missing."""
    if not (to.person_id and to.occurrence and to.email):
        missing = next(name for name in ("person_id", "occurrence", "email") if not getattr(to, name))
        raise TokenError(f"{missing} is missing")


def addressed(to: Recipient, campaign: Campaign, site: Site) -> tuple[str, str, str]:
    """The message's links for unsubscribing and for preferences, and its reference. TokenError for what cannot be
    written to."""
    if not _MESSAGE_ID.fullmatch(to.message_id):
        raise TokenError("message_id must be letters, digits, '-', '_' and '.'")
    if not _ADDRESS.fullmatch(to.email):
        raise TokenError("email is not one plain address")  # and is not repeated here: this may be logged
    return site.links(to.message_id, campaign.purpose)


def payload(
    campaign: Campaign,
    to: Recipient,
    unsubscribe_url: str,
    subject: str,
    html: str,
    text: str,
    template_id: str | None,
    data: bytes | Content | None,
) -> Payload:
    """The message of what was made of it."""
    message_id, person_id, occurrence, variant, email = to
    sender = campaign.sender
    return Payload(
        message_id,
        person_id,
        campaign.name,
        occurrence,
        variant,
        email,
        sender.name,
        sender.email,
        sender.reply_to,
        subject,
        html,
        text,
        (
            ("List-Unsubscribe", _unsubscribing(unsubscribe_url, sender.unsubscribe_email)),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("X-Sincerely-Message-Id", message_id),
            ("Feedback-ID", _feedback_id(campaign.name, occurrence, variant, sender.domain)),
        ),
        template_id,
        data,
    )


def paragraphed(text: str) -> str:
    """The text part of what its template gave."""
    return tidy(text) + "\n"


# What a message is kept as is JSON, in these parts: a subject, a text and HTML come after them, each in JSON.
SUBJECT, TEXT, HTML, CLOSING = '{"subject":"', '","text":"', '","html":"', '"}'


def kept(subject: str, text: str, html_in_json: str) -> bytes:
    """What is kept of a message."""
    return f"{SUBJECT}{escaped(subject)}{TEXT}{escaped(text)}{HTML}{html_in_json}{CLOSING}".encode()


def _unsubscribing(url: str, email: str | None) -> str:
    """The address for a POST (RFC 8058), and where the sender takes mail for it, one with the same token (RFC 2369)."""
    if email is None:
        return f"<{url}>"
    return f"<{url}>, <mailto:{quote(email, safe='@+')}?subject=unsubscribe%20{url.rpartition('/')[2]}>"


def decided(compiled: Compiled, chosen: Mapping[str, str]) -> dict[str, str]:
    """The chosen blocks; what was recorded is what is shown, so nothing is guessed here."""
    for slot, blocks in compiled.blocks.items():
        if chosen.get(slot) not in blocks:
            raise TokenError(f"the decision for slot {slot} is {chosen.get(slot)!r}, not one of {sorted(blocks)}")
    return dict(chosen)


def _subject(compiled: Compiled, variant: str | None) -> Template:
    if variant is not None and compiled.campaign.variants and variant not in compiled.subjects:
        raise TokenError(f"{variant!r} is not a variant of this campaign")
    return compiled.subjects.get(variant) or compiled.subjects[None]


@lru_cache(maxsize=1_024)
def _feedback_id(campaign: str, occurrence: Any, variant: str | None, domain: str) -> str:
    """What Gmail's reports are split by: the campaign and never the person."""
    parts = (campaign, str(occurrence), variant or "all", domain)
    return ":".join(re.sub(r"[^A-Za-z0-9_.-]+", "-", part) for part in parts)


def one_line(text: str) -> str:
    """A subject or a preheader of what its template gave."""
    return clean(" ".join(text.split()))


def reason(error: Exception) -> str:
    """What went wrong, without the person's values: errors of Python may quote them."""
    if isinstance(error, TokenError | LimitError | JinjaError):
        return str(error)
    return f"a value does not fit its place in the template ({type(error).__name__})"

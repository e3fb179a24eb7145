"""What a request to SendGrid's mail send has to be, by the vendor's OpenAPI description of v3."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import orjson

MESSAGES = 1_000
_CUSTOM_ARGS_BYTES = 10_000
_FORBIDDEN_HEADERS = {
    "to", "from", "subject", "reply-to", "cc", "bcc", "content-type", "content-transfer-encoding", "dkim-signature",
    "received", "x-sg-id", "x-sg-eid",
}  # fmt: skip


class Person(msgspec.Struct):
    """One of a request's personalizations. What its template is given is checked to be JSON and not decoded: it is most
    of the request, and nobody here reads it but tests."""

    to: list[dict[str, str]] = []
    subject: str | None = None
    headers: dict[str, str] = {}
    custom_args: dict[str, Any] = {}
    dynamic_template_data: msgspec.Raw = msgspec.Raw(b"{}")


class Request(msgspec.Struct):
    """A request to send mail."""

    personalizations: list[Person] = []
    sender: dict[str, str] = msgspec.field(name="from", default_factory=dict)
    subject: str | None = None
    content: list[dict[str, str]] = []
    template_id: str | None = None


REQUEST = msgspec.json.Decoder(Request)


def wrong(
    request: Request, templates: Collection[str], refuses: Collection[str], *, is_vague: bool
) -> Iterator[dict[str, Any]]:
    """The vendor's errors of a request, with its `templates`; `refuses` are addresses that it finds wrong, and it says
    which row is wrong unless it `is_vague`."""
    people, sender = request.personalizations, request.sender
    if not 1 <= len(people) <= MESSAGES:
        yield error("The personalizations field must have between 1 and 1000 entries.", "personalizations")
    if any(mark in sender.get("name", "") for mark in ";,") or not sender.get("email", "").isascii():
        yield error("The from object is invalid.", "from")
    if request.template_id is not None and request.template_id not in templates:
        yield error("The template_id must be a valid GUID.", "template_id")
    has_subject = request.subject or all(person.subject for person in people)
    if request.template_id is None and not (request.content and has_subject):
        yield error("Unless a valid template_id is provided, the content parameter is required.", "content")
    seen: set[str] = set()
    for number, person in enumerate(people):
        field = f"personalizations.{number}"
        addresses = [to["email"].lower() for to in person.to]
        if len(addresses) != 1 or addresses[0] in refuses or "@" not in addresses[0]:
            where = None if is_vague else f"{field}.to.0.email"
            yield error(f"Does not contain a valid address: {addresses}", where)
        elif addresses[0] in seen:
            yield error("Each email address in the personalization block should be unique", "personalizations")
        seen.update(addresses)
        if len(orjson.dumps(person.custom_args)) > _CUSTOM_ARGS_BYTES or not all(
            isinstance(value, str) for value in person.custom_args.values()
        ):
            yield error("custom_args must be strings of at most 10000 bytes", f"{field}.custom_args")
        if _FORBIDDEN_HEADERS & {name.lower() for name in person.headers}:
            yield error("You cannot set this header.", f"{field}.headers")


def error(message: str, field: str | None) -> dict[str, Any]:
    """One of the errors of an answer."""
    return {"message": message, "field": field, "help": None}

"""SendGrid, v3 mail send: up to 1,000 messages a request, each rendered for its person alone.

A request's recipients share its content, but for a dynamic template's data. So a *pass-through template*, whose
subject is `{{{subject}}}` and whose bodies are `{{{html}}}` and `{{{text}}}`, carries a thousand different messages.
Without one, a message is a request of its own.

There is no idempotency: the same request twice is two mails. A 202 takes all of a request, a 4xx none of it; after a
5xx, or without an answer, nobody knows. Source: the vendor's OpenAPI description of the v3 API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from itertools import chain
from typing import Any
from urllib.parse import quote

import orjson

from orchestration.delivery.esp import http
from orchestration.delivery.esp.base import Answer, EspError, Limits
from orchestration.delivery.stored import Stored
from orchestration.errors import DeliveryError, SettingsError
from rendering.campaign import Campaign
from rendering.contents import interleaved

URL = "https://api.sendgrid.com"
_CONNECTIONS = 4
_REQUEST_BYTES = 30_000_000
# What stands around the messages, and around each of them.
_ENVELOPE_BYTES, _MESSAGE_BYTES = 10_000, 200
_MESSAGES = 1_000
_END = b"}]}"
# The vendor lets its Email Activity be asked six times a minute; what is left waits for the next run.
_LOOK_UPS = 6
_PERSONALIZATION = re.compile(r"personalizations[.\[](\d+)")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


class SendGrid:
    """SendGrid behind an API key that may send mail. An empty `template_id` sends each message by itself.

    With `has_activity` the key may read the Email Activity too, which the vendor sells apart."""

    name = "sendgrid"
    is_idempotent = False
    fills_templates = True

    def __init__(self, api_key: str, template_id: str = "", url: str = URL, *, has_activity: bool = False) -> None:
        if not api_key:
            raise SettingsError(
                "SINCERELY_SENDGRID_API_KEY is not set; make a key with the scope mail.send, and set it."
            )
        if template_id and not template_id.startswith("d-"):
            raise SettingsError(
                f"SINCERELY_SENDGRID_TEMPLATE_ID is '{template_id}'; name a dynamic template, whose id starts with d-."
            )
        self._template_id = template_id
        self._has_activity = has_activity
        self.limits = Limits(
            messages=_MESSAGES if template_id else 1,
            connections=_CONNECTIONS,
            bytes=_REQUEST_BYTES - _ENVELOPE_BYTES,
            is_once_an_address=True,
        )
        self._http = http.client(url, _CONNECTIONS, headers={"Authorization": f"Bearer {api_key}"})

    def size_of(self, message: Stored) -> int:
        """The message's bytes in a request: its content as it lies there, and what is around it."""
        headers = message.headers
        around = len(message.to_email) + sum(map(len, chain.from_iterable(headers))) + 6 * len(headers)
        return len(message.content) + 2 * around + _MESSAGE_BYTES

    def hand_over(self, messages: Sequence[Stored], sent_at: datetime) -> Answer:
        """Sends the messages in one request."""
        shared = _shared(messages[0])
        if apart := [each for each in messages if _shared(each) != shared]:
            answer = self.hand_over([each for each in messages if _shared(each) == shared], sent_at)
            left = {each.message_id: "another sender's, or template's" for each in apart}
            return replace(answer, left={**answer.left, **left}, is_to_be_repeated=True)
        return self._read(http.send(self._http, "POST", "/v3/mail/send", self._build(messages)), messages)

    def finish(self) -> None:
        """Closes the connections."""
        self._http.close()

    def look_up(self, requests: Sequence[Sequence[str]]) -> Mapping[str, bool]:
        """The messages of requests that the Email Activity knows of; a request is taken whole or not at all, so its
        first message answers for all.

        Of what it does not know it says nothing: it lags behind, and forgets after some days.
        """
        found: dict[str, bool] = {}
        for message_ids in requests[:_LOOK_UPS] if self._has_activity else ():
            query = quote(f"(unique_args['message_id']=\"{message_ids[0]}\")")
            reply = http.send(self._http, "GET", f"/v3/messages?limit=1&query={query}")
            if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise DeliveryError(
                    f"SendGrid answered {reply.status} when it was asked for unknown messages: let the key read the "
                    "Email Activity, or set SINCERELY_SENDGRID_ACTIVITY=off."
                )
            if reply.status != HTTPStatus.OK:
                break
            body = reply.json
            if isinstance(body, dict) and body.get("messages"):
                found |= dict.fromkeys(message_ids, True)
        return found

    @staticmethod
    def refuses(campaign: Campaign) -> list[str]:
        """Display names and addresses that the vendor answers with a 400."""
        sender = campaign.sender
        found = []
        if any(mark in sender.name for mark in ";,"):
            found.append(f"SendGrid takes no ; or , in a sender's name ({sender.name!r}); leave it out.")
        if not sender.email.isascii():
            found.append(
                f"SendGrid takes only ASCII in a sender's address ({sender.email!r}); write the domain as xn--."
            )
        return found

    def _build(self, messages: Sequence[Stored]) -> http.Body | bytes:
        """The request's JSON; contents come into it as they lie in the batch, JSON already: what a template is given,
        the values of a vendor's own or the rendered message for it to pass through."""
        first = messages[0]
        request: dict[str, Any] = {"from": {"email": first.from_email, "name": first.from_name}}
        if first.reply_to:
            request["reply_to"] = {"email": first.reply_to}
        template_id = first.template_id or self._template_id
        if not template_id:
            return orjson.dumps({**request, **_content(first), "personalizations": [_personalization(first)]})
        before = [b'},%b,"dynamic_template_data":' % orjson.dumps(_personalization(each))[:-1] for each in messages]
        before[0] = b'%b,"personalizations":[%b' % (
            orjson.dumps({**request, "template_id": template_id})[:-1],
            before[0].removeprefix(b"},"),
        )
        contents = [message.content for message in messages]
        size = sum(map(len, before)) + sum(map(len, contents)) + len(_END)
        at_once = max(1, http.PIECE_BYTES * len(messages) // size)
        return http.Body(chain(interleaved(before, contents, at_once), [_END]), size)

    def _read(self, reply: http.Reply, messages: Sequence[Stored]) -> Answer:
        status = reply.status
        if status == HTTPStatus.ACCEPTED:
            return Answer(pause=reply.pause())
        if status is None:
            reasons = _all(messages, f"SendGrid: {reply.error}")
            return Answer(left=reasons) if reply.is_certain else Answer(unknown=reasons)
        reason = f"SendGrid answered {status}{_words(reply)}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise EspError(
                f"{reason}. Nothing more is handed over: check SINCERELY_SENDGRID_API_KEY and its scope mail.send, and "
                "that the sender's domain is authenticated, then run again."
            )
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Answer(left=_all(messages, reason), pause=reply.pause())
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            return _refused(reply, messages, reason)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Answer(unknown=_all(messages, reason), pause=reply.pause())
        raise EspError(f"{reason}. Nothing more is handed over: check SINCERELY_SENDGRID_URL, then run again.")


def _personalization(message: Stored) -> dict[str, Any]:
    """A person's part. What the vendor keeps for good, custom arguments, is opaque: the message's id alone."""
    return {
        "to": [{"email": message.to_email}],
        "headers": dict(message.headers),
        "custom_args": {"message_id": message.message_id},
    }


def _content(message: Stored) -> dict[str, Any]:
    """Subject and content as a request without a template has them."""
    content = orjson.loads(bytes(message.content))
    parts = [("text/plain", content["text"]), ("text/html", content["html"])]
    return {
        "subject": content["subject"],
        "content": [{"type": kind, "value": value} for kind, value in parts if value],
    }


def _refused(reply: http.Reply, messages: Sequence[Stored], reason: str) -> Answer:
    """A request that was refused as a whole: by the rows that it names, or in halves until they are found."""
    if len(messages) == 1:
        return Answer(rejected=_all(messages, reason))
    fields = [str(error.get("field")) for error in _errors(reply)]
    places = [found for field in fields for found in _PERSONALIZATION.findall(field)]
    guilty = {int(place) for place in places if int(place) < len(messages)}
    if guilty and len(places) == len(fields):
        rest = [message for number, message in enumerate(messages) if number not in guilty]
        return Answer(
            rejected=_all([messages[number] for number in guilty], reason),
            left=_all(rest, "in a request with a refused message"),
            is_to_be_repeated=True,
        )
    return Answer(left=_all(messages, reason), is_to_be_halved=True)


def _shared(message: Stored) -> tuple[str | None, ...]:
    """What messages of a request have in common."""
    return message.from_email, message.from_name, message.reply_to, message.template_id


def _all(messages: Sequence[Stored], reason: str) -> dict[str, str]:
    return {message.message_id: reason for message in messages}


def _errors(reply: http.Reply) -> list[dict[str, Any]]:
    body = reply.json
    errors = body.get("errors") if isinstance(body, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _words(reply: http.Reply) -> str:
    """The vendor's own words, without the address that they may quote."""
    said = [str(error["message"]) for error in _errors(reply) if error.get("message")]
    return f": {http.shortened(_ADDRESS.sub('(address)', '; '.join(said)))}" if said else ""

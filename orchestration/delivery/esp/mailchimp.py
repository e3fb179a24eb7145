"""Mailchimp keeps an audience and renders its own messages: it is told who is in it, what they are like, and in which
segments they are. It is not given messages that are rendered here.

Marketing API 3.0. Every request may be repeated, for each says how things are to be. At most ten are under way at a
time; beyond, the vendor answers 429, or under load a bare 403, without saying when to come back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from orchestration.delivery.esp import http
from orchestration.delivery.esp.base import Answer, EspError
from orchestration.delivery.throttle import Patience, Throttle
from orchestration.errors import DeliveryError, SettingsError
from rendering.campaign import Campaign

CONNECTIONS = 10
ROWS = 500
_VALUE_BYTES = 255
_EXISTS = "ERROR_CONTACT_EXISTS"
_NAME = "mailchimp"
# What a merge field is called where people see it, and how it is kept; the vendor takes tags of ten characters.
MERGE_FIELDS = {
    "FNAME": ("First name", "text"),
    "CITY": ("City", "text"),
    "REGION": ("Region", "text"),
    "COUNTRY": ("Country", "text"),
    "STAGE": ("Lifecycle stage", "text"),
    "ENGAGEMENT": ("Engagement", "text"),
    "ORDERS": ("Orders", "number"),
    "SPENT": ("Spent", "number"),
    "LASTBOUGHT": ("Last bought", "text"),
    "FAVOURITE": ("Favourite category", "text"),
}


PATIENCE = Patience()


@dataclass(frozen=True)
class Refused:
    """Rows that the vendor did not take, by the MD5 or the address that it names: what exists already, and reasons."""

    existing: frozenset[str]
    errors: Mapping[str, str]


class Mailchimp:
    """One audience (list) of an account. Shared by threads."""

    def __init__(self, api_key: str, list_id: str, url: str = "", patience: Patience = PATIENCE) -> None:
        if not api_key or not list_id:
            raise SettingsError(
                "SINCERELY_MAILCHIMP_API_KEY and SINCERELY_MAILCHIMP_LIST_ID are both needed; set the account's key "
                "and the audience's id."
            )
        data_centre = api_key.rpartition("-")[2]
        if not url and (data_centre == api_key or not data_centre.isalnum()):
            raise SettingsError("SINCERELY_MAILCHIMP_API_KEY names no data centre; a key ends like …-us21.")
        base = url or f"https://{data_centre}.api.mailchimp.com/3.0"
        self._http = http.client(base, CONNECTIONS, auth=("sincerely", api_key))
        self._list = f"/lists/{list_id}"
        self._throttle = Throttle(patience)
        self._stopped = threading.Event()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def prepare_merge_fields(self) -> None:
        """Makes the merge fields that the audience lacks: a value for one that is not there is refused."""
        found = self._call("GET", f"{self._list}/merge-fields?count=100&fields=merge_fields.tag")
        there = {field["tag"] for field in found["merge_fields"]}
        for tag, (name, kind) in MERGE_FIELDS.items():
            if tag not in there:
                self._call("POST", f"{self._list}/merge-fields", {"tag": tag, "name": name, "type": kind})

    def segments(self, names: Iterable[str]) -> dict[str, int]:
        """The ids of static segments, which are tags, by name; those that there are not are made."""
        found = self._call("GET", f"{self._list}/segments?type=static&count=1000&fields=segments.id,segments.name")
        ids = {str(segment["name"]): int(segment["id"]) for segment in found["segments"]}
        for name in sorted(set(names) - ids.keys()):
            ids[name] = int(self._call("POST", f"{self._list}/segments", {"name": name, "static_segment": []})["id"])
        return ids

    def add(self, people: Sequence[Mapping[str, Any]]) -> Refused:
        """Subscribes people (`email`, `merge_fields`) who are not in the audience.

        Who is in it already, unsubscribed perhaps, is not touched but named: nobody is subscribed against their word.
        """
        return self._members([{**_member(each), "status": "subscribed"} for each in people], is_update=False)

    def update(self, people: Sequence[Mapping[str, Any]]) -> Refused:
        """Tells what people in the audience are like now; whether they are subscribed stays as it is."""
        return self._members([_member(each) for each in people], is_update=True)

    def unsubscribe(self, member: str) -> None:
        """Unsubscribes a member, by the MD5 of their address; one who is not there is no error."""
        self._call("PATCH", f"{self._list}/members/{member}", {"status": "unsubscribed"}, may_be_missing=True)

    def tag(self, segment: int, added: Sequence[str], removed: Sequence[str]) -> None:
        """Puts addresses into a static segment, and takes others out."""
        self._call("POST", f"{self._list}/segments/{segment}", {"members_to_add": added, "members_to_remove": removed})

    @staticmethod
    def refuses(campaign: Campaign) -> list[str]:
        """Every campaign: the vendor sends its own templates, and takes no message that is rendered here."""
        return [
            "Mailchimp sends no messages that are rendered here; it gets profiles and segments (`sincerely send`). "
            "Write the campaign there, or choose another SINCERELY_ESP."
        ]

    def _members(self, members: Sequence[Mapping[str, Any]], *, is_update: bool) -> Refused:
        answer = self._call("POST", self._list, {"members": members, "update_existing": is_update})
        existing, errors = set(), {}
        for error in answer.get("errors") or []:
            address = str(error.get("email_address", "")).lower()
            if error.get("error_code") == _EXISTS:
                existing.add(address)
            else:
                errors[address] = _without(address, f"{error.get('error_code')}: {error.get('error')}")
        return Refused(frozenset(existing), errors)

    def _call(self, method: str, path: str, body: Any = None, *, may_be_missing: bool = False) -> Any:
        """The answer's JSON; waits and repeats while the vendor is busy, for it says how things are to be."""
        content = orjson.dumps(body) if body is not None else b""
        while True:
            self._throttle.wait(self._stopped)
            reply = http.send(self._http, method, path, content)
            if reply.status is not None and 200 <= reply.status < 300:
                self._throttle.hear(_NAME, Answer(), 1)
                return reply.json if reply.body else {}
            if reply.status == HTTPStatus.NOT_FOUND and may_be_missing:
                return {}
            what = reply.error or f"it answered {reply.status}{_words(reply)}"
            is_busy = (
                reply.status is None
                or reply.status == HTTPStatus.TOO_MANY_REQUESTS
                or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
                or (reply.status == HTTPStatus.FORBIDDEN and reply.json is None)
            )
            if not is_busy:
                raise EspError(
                    f"Mailchimp takes nothing: {what}. Check SINCERELY_MAILCHIMP_API_KEY and "
                    "SINCERELY_MAILCHIMP_LIST_ID, then run again."
                )
            if not self._throttle.hear(_NAME, Answer(left={"request": what}, pause=reply.pause()), 1):
                raise DeliveryError(
                    f"Mailchimp is busy: {what}. What it was told is kept; the next run tells the rest."
                )


def _member(person: Mapping[str, Any]) -> dict[str, Any]:
    return {"email_address": person["email"], "email_type": "html", "merge_fields": _values(person["merge_fields"])}


def _values(fields: str) -> dict[str, Any]:
    """A person's merge fields out of their JSON, no text longer than the vendor takes; what is not known is empty."""
    return {
        tag: value.encode()[:_VALUE_BYTES].decode(errors="ignore") if isinstance(value, str) else value
        for tag, value in ((tag, "" if value is None else value) for tag, value in orjson.loads(fields).items())
    }


def _words(reply: http.Reply) -> str:
    body = reply.json
    return f": {http.shortened(str(body['title']))}" if isinstance(body, dict) and body.get("title") else ""


def _without(address: str, words: str) -> str:
    """A reason that names nobody."""
    return http.shortened(words.lower().replace(address, "(address)") if address else words)

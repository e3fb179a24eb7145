"""SendGrid's suppression lists: read page by page, and added to.

Reading changes nothing and suppressing an address twice is suppressing it once, so whatever fails for a while is asked
again. Source: the vendor's OpenAPI description of the v3 API, `Suppressions` and `Global suppressions`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import orjson

from orchestration.delivery.esp import http
from orchestration.errors import DeliveryError, SettingsError

LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")

_PAGE_ROWS = 500
_POSTED_ADDRESSES = 500
_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
# For longer than this in all nobody waits for one answer; the next sync goes on.
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class Entry:
    """An address on one of the lists, as SendGrid gives it; `created` is in seconds since 1970."""

    list: str
    email: str
    created: int
    reason: str | None = None
    status: str | None = None
    ip: str | None = None


class SuppressionLists:
    """The lists behind an API key with the scopes suppression.read and asm.groups.suppressions.global."""

    def __init__(
        self, api_key: str, url: str, sleep: Callable[[float], None] = time.sleep, draw: random.Random | None = None
    ) -> None:
        if not api_key:
            raise SettingsError(
                "SINCERELY_SENDGRID_API_KEY is not set; make a key that may read and write suppressions, and set it."
            )
        self._http = http.client(url, connections=1, headers={"Authorization": f"Bearer {api_key}"})
        self._sleep, self._draw = sleep, draw or random.Random()

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def entries(self, name: str) -> Iterator[Entry]:
        """Every entry of one list, each once. Raises DeliveryError when the list cannot be read to its end.

        What is added while it is read moves the later entries on, so that one may be read twice; what is removed moves
        them back, so that one may be missed: the next sync finds it.
        """
        seen: set[tuple[str, int]] = set()
        offset = 0
        # Up to the first empty page: a server may give fewer than were asked for.
        while page := self._page(name, offset):
            offset += len(page)
            news = [entry for entry in page if (entry.email, entry.created) not in seen]
            if not news and len(page) >= _PAGE_ROWS:
                raise DeliveryError(f"SendGrid gave the same page of {name} twice, so its end cannot be found.")
            if not news:
                return
            seen.update((entry.email, entry.created) for entry in news)
            yield from news

    def suppress(self, emails: Sequence[str]) -> int:
        """Puts the addresses on the list of all who are never written to; returns how many SendGrid refused."""
        return sum(
            self._suppress(emails[start : start + _POSTED_ADDRESSES])
            for start in range(0, len(emails), _POSTED_ADDRESSES)
        )

    def _suppress(self, emails: Sequence[str]) -> int:
        """A refused request is halved until the address is found that SendGrid does not take."""
        body = orjson.dumps({"recipient_emails": list(emails)})
        reply = self._asked("POST", "/v3/asm/suppressions/global", body)
        if reply.status != HTTPStatus.BAD_REQUEST:
            return 0
        if len(emails) == 1:
            return 1
        middle = len(emails) // 2
        return self._suppress(emails[:middle]) + self._suppress(emails[middle:])

    def _page(self, name: str, offset: int) -> list[Entry]:
        path = f"/v3/suppression/{name}?limit={_PAGE_ROWS}&offset={offset}"
        rows = self._asked("GET", path).json
        return [_entry(name, row) for row in rows]

    def _asked(self, method: str, path: str, body: bytes = b"") -> http.Reply:
        """The answer that settles a request: taken, or a refusal of what it says."""
        waited = timedelta()
        for attempt in range(1, _ATTEMPTS + 1):
            reply = http.send(self._http, method, path, body)
            problem = _problem(method, reply)
            if not problem:
                return reply
            if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise DeliveryError(
                    f"SendGrid refuses the key ({reply.status}) for {method} {path.partition('?')[0]}; give "
                    "SINCERELY_SENDGRID_API_KEY one that may read and write suppressions."
                )
            if reply.status is not None and not _passes(reply.status):
                break
            pause = reply.pause()
            pause = self._back_off(attempt) if pause is None else pause
            waited += pause
            if attempt == _ATTEMPTS or waited > _LONGEST_PAUSE:
                break
            self._sleep(pause.total_seconds())
        raise DeliveryError(
            f"SendGrid's suppressions are not synchronised: {method} {path.partition('?')[0]} {problem}. "
            "What was read and added before holds; the next sync does the rest."
        )

    def _back_off(self, attempt: int) -> timedelta:
        return timedelta(seconds=min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS) * self._draw.random())


def _problem(method: str, reply: http.Reply) -> str:
    """What is wrong with an answer, in words without an address; empty for one that settles the request."""
    if reply.status is None:
        return f"got no answer: {reply.error}"
    if method == "POST":
        return "" if reply.status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.BAD_REQUEST) else _told(reply)
    if reply.status != HTTPStatus.OK:
        return _told(reply)
    rows = reply.json
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("email") for row in rows):
        return "answered with no list of addresses"
    return ""


def _told(reply: http.Reply) -> str:
    return f"was answered with {reply.status}"


def _passes(status: int) -> bool:
    """Whether a status may be another one after a while. A 200 whose body breaks off may, too."""
    return status < 300 or status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500


def _entry(name: str, row: dict[str, Any]) -> Entry:
    created = row.get("created")
    return Entry(
        list=name,
        email=str(row["email"]),
        created=int(created) if isinstance(created, int | float) else 0,
        **{field: str(row[field]) for field in ("reason", "status", "ip") if row.get(field)},
    )

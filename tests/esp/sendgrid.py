"""A SendGrid on the loopback: its limits, its errors, its events, and the faults that it is told to have.

Limits and errors as in the vendor's OpenAPI description of mail send, v3, and its pages on Email Activity.
"""

from __future__ import annotations

import email.utils
import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson

from tests.esp.faults import ACCEPTED_THEN_500, ACCEPTED_THEN_DROPPED, DROPPED, MALFORMED, Faults, Throttled
from tests.esp.sendgrid_requests import MESSAGES, REQUEST, error, wrong

API_KEY = "SG.key-for-tests-only"
TEMPLATE_ID = "d-0123456789abcdef"
# One that somebody wrote there, with tokens of its own.
OWN_TEMPLATE_ID = "d-fedcba9876543210"
_REQUEST_BYTES = 30_000_000
_LOOK_UPS_A_MINUTE = 6
_ASKED = re.compile(r"""\(unique_args\['message_id'\]="([^"]+)"\)""")


class FakeSendGrid(ThreadingHTTPServer):
    """What it took is in `accepted`: how often each message id, over all requests. `refuses` are addresses that it
    finds wrong; `seconds` is how long it takes to answer; it says which row is wrong unless `is_vague`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = Faults()
        self.accepted: Counter[str] = Counter()
        self.contents: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self.sizes: list[tuple[int, int]] = []
        self.seconds = seconds
        self.jitter_seconds = 0.0
        self.refuses: set[str] = set()
        self.suppressed: set[str] = set()
        self.is_vague = False
        # Email Activity, which is bought apart: it knows of a message some time after it was taken.
        self.has_activity = True
        self.activity_is_behind = False
        self.looked_up = 0
        self.keeps_contents = True
        self.remaining: int | None = None
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self._draw = random.Random(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def events(
        self,
        draw: random.Random,
        kinds: tuple[str, ...] = ("processed", "delivered"),
        most_copies: int = 1,
        at: datetime | None = None,
    ) -> list[dict[str, Any]]:
        """Events of what was accepted as the vendor posts them: each one to `most_copies` times, in any order, all of
        them `at` an instant, or now."""
        found = []
        for message_id in self.accepted:
            for kind in kinds:
                event = {
                    "email": self.contents.get(message_id, {}).get("email", f"{message_id}@example.com"),
                    "timestamp": int(at.timestamp() if at else time.time()),
                    "event": kind,
                    "sg_event_id": uuid.UUID(int=draw.getrandbits(128)).hex,
                    "sg_message_id": f"{message_id[:16]}.filter0001",
                    "message_id": message_id,
                }
                found += [event] * draw.randint(1, most_copies)
        draw.shuffle(found)
        return found

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients are killed here."""

    def takes_long(self) -> float:
        with self.lock:
            return self.seconds + self._draw.random() * self.jitter_seconds


@contextmanager
def sendgrid(seconds: float = 0.0) -> Iterator[FakeSendGrid]:
    """A running fake."""
    server = FakeSendGrid(seconds)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FakeSendGrid
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Its own suppressions, of which it has none but ours; `suppression_api` is one that has. And its activity."""
        path, _, query = self.path.partition("?")
        if path == "/v3/messages":
            return self._tell_activity(parse_qs(query))
        is_known = self.path.startswith("/v3/suppression/")
        self._answer(200, b"[]") if is_known else self._fail(404, "not found")

    def _tell_activity(self, query: dict[str, list[str]]) -> None:
        fake = self.server
        with fake.lock:
            fake.looked_up += 1
            is_too_often = fake.looked_up > _LOOK_UPS_A_MINUTE
        if not fake.has_activity:
            return self._fail(403, "access forbidden")
        if is_too_often:
            return self._fail(429, "too many requests")
        asked = _ASKED.fullmatch(query.get("query", [""])[0])
        if asked is None or int(query["limit"][0]) > MESSAGES:
            return self._fail(400, "the query cannot be understood")
        rows = []
        if asked[1] in fake.accepted and not fake.activity_is_behind:
            rows = [{"msg_id": f"{asked[1][:16]}.filter0001", "status": "delivered", "opens_count": 0}]
        self._answer(200, orjson.dumps({"messages": rows}))

    def do_POST(self) -> None:
        fake = self.server
        if self.path == "/v3/asm/suppressions/global":
            body = orjson.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            fake.suppressed.update(body["recipient_emails"])
            return self._answer(201, orjson.dumps(body))
        with fake.lock:
            fake.requests += 1
            fake.at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.at_once)
        try:
            self._post(fake.faults.next())
        finally:
            with fake.lock:
                fake.at_once -= 1

    def _post(self, fault: Any) -> None:
        fake = self.server
        if fault == DROPPED:
            self.close_connection = True
            return
        size = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        time.sleep(fake.takes_long())
        if isinstance(fault, Throttled):
            return self._throttle(fault)
        if isinstance(fault, int):
            return self._fail(fault, "told to")
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            return self._fail(401, "The provided authorization grant is invalid, expired, or revoked")
        if self.path != "/v3/mail/send":
            return self._fail(404, "not found")
        if size > _REQUEST_BYTES:
            return self._fail(413, "the payload is too large")
        try:
            request = REQUEST.decode(body)
        except msgspec.DecodeError as unreadable:
            return self._fail(400, str(unreadable))
        errors = list(wrong(request, (TEMPLATE_ID, OWN_TEMPLATE_ID), fake.refuses, is_vague=fake.is_vague))
        if errors:
            return self._answer(400, orjson.dumps({"errors": errors}))
        people = request.personalizations
        with fake.lock:
            fake.sizes.append((len(people), size))
            for person in people:
                # Other programs name no id of their own.
                message_id = person.custom_args.get("message_id", person.to[0]["email"])
                fake.accepted[message_id] += 1
                if fake.keeps_contents:
                    fake.contents[message_id] = {
                        **msgspec.json.decode(person.dynamic_template_data),
                        "template_id": request.template_id,
                        "email": person.to[0]["email"],
                        "headers": person.headers,
                        "custom_args": person.custom_args,
                        "from": request.sender,
                        "subject_of_request": request.subject,
                    }
        if fault == ACCEPTED_THEN_DROPPED:
            self.close_connection = True
            return
        if fault == ACCEPTED_THEN_500:
            return self._fail(500, "internal error")
        if fault == MALFORMED:
            return self._answer(502, b'<html>{"errors":[')
        headers = {"X-Message-Id": uuid.uuid4().hex}
        if fake.remaining is not None:
            with fake.lock:
                fake.remaining = max(0, fake.remaining - 1)
            headers |= {
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": str(fake.remaining),
                "X-RateLimit-Reset": str(int(time.time()) + 1),
            }
        self._answer(202, b"", headers)

    def _throttle(self, fault: Throttled) -> None:
        now = time.time()
        value = {
            "Retry-After": str(int(fault.seconds)),
            "Retry-After date": email.utils.formatdate(now + fault.seconds, usegmt=True),
            "X-RateLimit-Reset": str(int(now + fault.seconds)),
        }.get(fault.header)
        headers = {fault.header.removesuffix(" date"): value} if value is not None else {}
        self._fail(429, "too many requests", headers)

    def _fail(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self._answer(status, orjson.dumps({"errors": [error(message, None)]}), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

"""A Mailchimp audience on the loopback: the vendor's limits, its errors, and the faults that it is told to have.

As in the Marketing API 3.0: 500 members a call, ten calls at a time, row errors in a 200, and members by the MD5 of
their lower-case address.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.esp.faults import DROPPED, Faults, Throttled

API_KEY = "key-for-tests-only-us0"
LIST_ID = "audience1"
# Under load the vendor also says this, and nothing else.
BARE_403 = "bare 403"
_ROWS, _CALLS, _FIELDS, _VALUE_BYTES = 500, 10, 30, 255
_TAG = re.compile(r"[A-Z0-9_]{1,10}")


@dataclass
class Member:
    """A row of the audience."""

    email: str
    status: str
    merge_fields: dict[str, Any] = field(default_factory=dict)


class FakeMailchimp(ThreadingHTTPServer):
    """`members` by MD5, `segments` with their addresses; `resubscribed` are those who were, against their word.
    `refuses` are addresses that it finds wrong."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = Faults()
        self.members: dict[str, Member] = {}
        self.fields: dict[str, str] = {"FNAME": "text", "LNAME": "text"}
        self.segments: dict[str, set[str]] = {}
        self.resubscribed: set[str] = set()
        self.refuses: set[str] = set()
        self.calls: list[tuple[str, str, int]] = []
        self.seconds = 0.0
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, email: str, status: str) -> None:
        """Somebody who is there for another reason than ours, or changes their mind there."""
        member = self.members.setdefault(key(email), Member(email, status))
        member.status = status

    def statuses(self) -> dict[str, str]:
        return {member.email: member.status for member in self.members.values()}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing."""


def key(email: str) -> str:
    """The MD5 by which the vendor names a member."""
    return md5(email.lower().encode(), usedforsecurity=False).hexdigest()


@contextmanager
def mailchimp() -> Iterator[FakeMailchimp]:
    """A running fake."""
    server = FakeMailchimp()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FakeMailchimp
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._take("GET")

    def do_POST(self) -> None:
        self._take("POST")

    def do_PATCH(self) -> None:
        self._take("PATCH")

    def _take(self, method: str) -> None:
        fake = self.server
        with fake.lock:
            fake.at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.at_once)
            is_over = fake.at_once > _CALLS
        try:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = fake.faults.next()
            time.sleep(fake.seconds)
            if fault == DROPPED:
                self.close_connection = True
            elif fault == BARE_403:
                self._answer(403, b"<html>Forbidden</html>")
            elif is_over or isinstance(fault, Throttled):
                self._problem(429, "Too Many Requests")
            elif isinstance(fault, int):
                self._problem(fault, "told to")
            elif self.headers.get("Authorization") != f"Basic {_credentials()}":
                self._problem(401, "API Key Invalid")
            else:
                with fake.lock:
                    self._route(method, urlsplit(self.path).path, orjson.loads(content) if content else {})
        finally:
            with fake.lock:
                fake.at_once -= 1

    def _route(self, method: str, path: str, body: dict[str, Any]) -> None:
        fake = self.server
        fake.calls.append((method, path, len(body.get("members", ()))))
        prefix = f"/lists/{LIST_ID}"
        if not path.startswith(prefix):
            return self._problem(404, "Resource Not Found")
        rest = path.removeprefix(prefix)
        if (method, rest) == ("POST", ""):
            return self._upsert(body)
        if (method, rest) == ("GET", "/merge-fields"):
            return self._json({"merge_fields": [{"tag": tag} for tag in fake.fields]})
        if (method, rest) == ("POST", "/merge-fields"):
            if not _TAG.fullmatch(body["tag"]) or len(fake.fields) >= _FIELDS or body["tag"] in fake.fields:
                return self._problem(400, "Invalid Resource")
            fake.fields[body["tag"]] = body["type"]
            return self._json(body)
        if (method, rest) == ("GET", "/segments"):
            return self._json({"segments": [{"id": id(each), "name": name} for name, each in fake.segments.items()]})
        if (method, rest) == ("POST", "/segments"):
            fake.segments[body["name"]] = set()
            return self._json({"id": id(fake.segments[body["name"]]), "name": body["name"]})
        if found := re.fullmatch(r"/segments/(\d+)", rest):
            return self._tag(int(found[1]), body)
        if method == "PATCH" and (found := re.fullmatch(r"/members/([0-9a-f]{32})", rest)):
            member = fake.members.get(found[1])
            if member is None:
                return self._problem(404, "Resource Not Found")
            member.status = body["status"]
            return self._json({})
        self._problem(405, "Method Not Allowed")

    def _upsert(self, body: dict[str, Any]) -> None:
        fake = self.server
        if not 1 <= len(body["members"]) <= _ROWS:
            return self._problem(400, "Invalid Resource")
        errors = []
        for row in body["members"]:
            address = row["email_address"]
            member = fake.members.get(key(address))
            values = row["merge_fields"]
            if address in fake.refuses:
                errors.append(_error(address, "ERROR_GENERIC", f"{address} looks fake or invalid"))
            elif any(tag not in fake.fields for tag in values):
                errors.append(_error(address, "ERROR_GENERIC", "Your merge fields were invalid."))
            elif any(len(str(value).encode()) > _VALUE_BYTES for value in values.values()):
                errors.append(_error(address, "ERROR_GENERIC", "A merge field is too long."))
            elif member and not body.get("update_existing"):
                errors.append(_error(address, "ERROR_CONTACT_EXISTS", f"{address} is already a list member."))
            elif member is None and "status" not in row:
                errors.append(_error(address, "ERROR_GENERIC", "status is required."))
            else:
                if member and row.get("status") == "subscribed" and member.status != "subscribed":
                    fake.resubscribed.add(address)
                member = member or Member(address, row["status"])
                member.status = row.get("status", member.status)
                member.merge_fields |= values
                fake.members[key(address)] = member
        self._json({"errors": errors, "error_count": len(errors)})

    def _tag(self, segment: int, body: dict[str, Any]) -> None:
        fake = self.server
        added, removed = body.get("members_to_add", []), body.get("members_to_remove", [])
        addresses = next((each for each in fake.segments.values() if id(each) == segment), None)
        if addresses is None or len(added) > _ROWS or len(removed) > _ROWS:
            return self._problem(400, "Invalid Resource")
        addresses.update(address for address in added if key(address) in fake.members)
        addresses.difference_update(removed)
        self._json({})

    def _json(self, body: Any) -> None:
        self._answer(200, orjson.dumps(body), "application/json")

    def _problem(self, status: int, title: str) -> None:
        self._answer(status, orjson.dumps({"title": title, "status": status}), "application/problem+json")

    def _answer(self, status: int, body: bytes, kind: str = "text/html") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _credentials() -> str:
    return base64.b64encode(f"sincerely:{API_KEY}".encode()).decode()


def _error(address: str, code: str, words: str) -> dict[str, str]:
    return {"email_address": address, "error_code": code, "error": words}

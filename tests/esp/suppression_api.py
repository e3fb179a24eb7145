"""SendGrid's suppression lists on the loopback: paged, behind a key, and with the faults that it is told to have."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

API_KEY = "SG.key-for-tests-only"
_LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")
_MOST_ROWS = 500


class SuppressionApi(ThreadingHTTPServer):
    """`lists` are what it holds. A fault of the queue is spent on each request: a status, ("wait", seconds) for a 429
    with Retry-After, "drop" before an answer, "cut" within one, "malformed", ("hang", seconds), or None for none.

    It gives at most `page_rows` at once, whatever is asked for, and refuses the addresses in `refuses`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS}
        self.faults: deque[Any] = deque()
        self.page_rows = _MOST_ROWS
        self.refuses: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.posted: list[int] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fill(self, name: str, count: int, created: int = 1_500_000_000) -> None:
        """Puts so many addresses on a list."""
        self.lists[name] += [
            {"created": created + n, "email": f"{name}.{n}@example.com", **_more(name)} for n in range(count)
        ]

    def emails(self, name: str) -> list[str]:
        return sorted(row["email"] for row in self.lists[name])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients are killed here."""


@contextmanager
def suppression_api() -> Iterator[SuppressionApi]:
    """A running one."""
    server = SuppressionApi()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: SuppressionApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not self._may_go_on("GET", url.path):
            return
        _, version, kind, name = url.path.split("/", 3)
        if (version, kind) != ("v3", "suppression") or name not in _LISTS:
            return self._fail(404, "not found")
        limit, offset = int(query.get("limit", _MOST_ROWS)), int(query.get("offset", 0))
        if not 0 < limit <= _MOST_ROWS or offset < 0:
            return self._fail(400, "limit is out of range")
        with self.server.lock:
            # The newest first, as the vendor lists them.
            rows = sorted(self.server.lists[name], key=lambda row: -row["created"])
        self._answer(200, rows[offset : offset + min(limit, self.server.page_rows)])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self._may_go_on("POST", self.path):
            return
        if self.path != "/v3/asm/suppressions/global":
            return self._fail(404, "not found")
        emails = orjson.loads(body)["recipient_emails"]
        if wrong := self.server.refuses & set(emails):
            return self._fail(400, f"{min(wrong)} is not valid")
        with self.server.lock:
            known = {row["email"] for row in self.server.lists["unsubscribes"]}
            self.server.posted.append(len(emails))
            self.server.lists["unsubscribes"] += [
                {"created": 1_600_000_000, "email": email} for email in emails if email not in known
            ]
        self._answer(201, {"recipient_emails": emails})

    def _may_go_on(self, method: str, path: str) -> bool:
        api = self.server
        with api.lock:
            api.requests.append((method, path))
            fault = api.faults.popleft() if api.faults else None
        if isinstance(fault, tuple) and fault[0] == "hang":
            time.sleep(fault[1])
        elif isinstance(fault, tuple):
            self._fail(429, "too many requests", {"Retry-After": str(fault[1])})
            return False
        elif fault == "drop":
            self.close_connection = True
            return False
        elif fault == "malformed":
            self._send(200, b"<html>busy</html>")
            return False
        elif fault == "cut":
            self._send(200, b'[{"email": "a@example.com"', length=100)
            self.close_connection = True
            return False
        elif isinstance(fault, int):
            self._fail(fault, "told to")
            return False
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            self._fail(401, "authorization required")
            return False
        return True

    def _fail(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, orjson.dumps({"errors": [{"message": message, "field": None}]}), headers)

    def _answer(self, status: int, body: Any) -> None:
        self._send(status, orjson.dumps(body))

    def _send(
        self, status: int, content: bytes, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _more(name: str) -> dict[str, str]:
    if name in ("bounces", "blocks", "invalid_emails"):
        return {"reason": "550 5.1.1 no such user", **({"status": "5.1.1"} if name == "bounces" else {})}
    return {"ip": "192.0.2.1"} if name == "spam_reports" else {}

"""A receiver that checks signatures by itself and misbehaves as it is told, and a home that pushes to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from orchestration.webhooks import changes, pushing
from orchestration.webhooks.deliveries import Deliveries
from orchestration.webhooks.delivering import RUN_TIME, Clock, Pushed, deliver
from orchestration.webhooks.settings import load_webhooks
from tests.conftest import SECRET

KEY = b"a-key-of-32-bytes-for-tests-only"
SIGNING_SECRET = "whsec_" + base64.b64encode(KEY).decode()
SECRET_ENV = "CRM_WEBHOOK_SECRET"
DAY_1 = datetime(2026, 1, 1, tzinfo=UTC)
DAY_2 = DAY_1 + timedelta(days=1)
DAY_3 = DAY_1 + timedelta(days=2)


@dataclass(frozen=True)
class Reply:
    """What the receiver does with a request: answer, hang, `drop` the connection, `trickle` a header without end."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    hang_seconds: float = 0.0
    fault: str = ""


class TestClock:
    """The real time, moved on as tests please."""

    __test__ = False

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Crm(ThreadingHTTPServer):
    """`took` has what it answered 2xx to, in the order of its answers, `seen` every request with a good signature."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, clock: TestClock) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.clock = clock
        self.behave: Callable[[dict[str, Any]], Reply] = lambda payload: Reply()
        self.lock = threading.Lock()
        self.seen: list[dict[str, Any]] = []
        self.took: list[dict[str, Any]] = []
        self.unsigned: list[str] = []
        self.paths: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks?source=sincerely"

    def ids(self) -> list[str]:
        return [payload["id"] for payload in self.seen]

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a sender that is killed resets its connections."""

    def told(self, person_id: str) -> list[tuple[str, str]]:
        """What it took of one person, without the repeats that the webhook-id shows."""
        mine = {payload["id"]: payload for payload in self.took if payload["person_id"] == person_id}
        return [(payload["segment"], payload["type"].removeprefix("segment.")) for payload in mine.values()]


@contextmanager
def receiving(clock: TestClock) -> Iterator[Crm]:
    crm = Crm(clock)
    thread = threading.Thread(target=crm.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield crm
    finally:
        crm.shutdown()
        crm.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Crm
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        crm = self.server
        with crm.lock:
            crm.at_once += 1
            crm.most_at_once = max(crm.most_at_once, crm.at_once)
        try:
            self._take()
        finally:
            with crm.lock:
                crm.at_once -= 1

    def _take(self) -> None:
        crm = self.server
        content = self.rfile.read(int(self.headers["Content-Length"]))
        refusal = self._refusal(content)
        if refusal:
            crm.unsigned.append(refusal)
            return self._answer(Reply(401))
        payload = json.loads(content)
        with crm.lock:
            crm.seen.append(payload)
            crm.paths.append(self.path)
            reply = crm.behave(payload)
        if reply.hang_seconds:
            threading.Event().wait(reply.hang_seconds)
        if reply.fault == "drop":
            self.close_connection = True
            return
        if reply.fault == "trickle":
            return self._trickle()
        if 200 <= reply.status < 300:
            with crm.lock:
                crm.took.append(payload)
        self._answer(reply)

    def _refusal(self, content: bytes) -> str:
        webhook_id, timestamp = self.headers["webhook-id"] or "", self.headers["webhook-timestamp"] or ""
        if "." in webhook_id or json.loads(content)["id"] != webhook_id:
            return "another id"
        if abs(self.server.clock.now().timestamp() - int(timestamp)) > 300:
            return "an old timestamp"
        signed = webhook_id.encode() + b"." + timestamp.encode() + b"." + content
        expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        return "" if expected in (self.headers["webhook-signature"] or "").split(" ") else "another signature"

    def _answer(self, reply: Reply) -> None:
        try:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
        except OSError:
            self.close_connection = True  # the sender did not wait

    def _trickle(self) -> None:
        """Sends one byte of a header at a time: a time-out between two bytes never comes."""
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-endless: ")
            while True:
                self.wfile.write(b"a")
                threading.Event().wait(0.02)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class PushingHome:
    """A home with the tables that webhooks read, made by hand, and a `webhooks.toml`."""

    def __init__(
        self, path: Path, clock: TestClock | None = None, outbox_url: str = "", is_built: bool = False
    ) -> None:
        self.path = path
        self.clock = clock or TestClock()
        self._environ = {"SINCERELY_HOME": str(path), "SINCERELY_SECRET": SECRET, "SINCERELY_OUTBOX_URL": outbox_url}
        self.changes: list[tuple[str, str, str, datetime]] = []
        if not is_built:
            self.know({})
            self.merge({})
        self.change()

    @property
    def settings(self) -> Settings:
        return load_settings(self._environ)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings.warehouse)

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.settings.outbox_url)

    def configure(self, *urls: str, **fields: object) -> None:
        """One webhook `crm` a URL (the second is `crm_2`), all with the same further fields."""
        tables = []
        for number, url in enumerate(urls, 1):
            values = {
                "name": "crm" if number == 1 else f"crm_{number}",
                "url": url, "segments": "all", "secret_env": SECRET_ENV, "since": "beginning", **fields,
            }  # fmt: skip
            tables.append(
                "\n".join(["[[webhook]]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())])
            )
        (self.path / "webhooks.toml").write_text("\n".join(tables), encoding="utf-8")

    def know(self, people: dict[str, tuple[list[str], str | None]]) -> None:
        """Makes the people, by id: contact ids and e-mail address."""
        identifiers = [
            {"identifier_type": kind, "identifier": identifier, "person_id": person_id}
            for person_id, (contact_ids, email) in people.items()
            for kind, identifier in [*(("contact_id", each) for each in contact_ids), ("email", email)]
            if identifier
        ]
        text = pa.string()
        self._replace("core.identity_map", ["identifier_type", "identifier", "person_id"], [text] * 3, identifiers)
        profiles = [{"person_id": person_id, "email": email} for person_id, (_, email) in people.items()]
        self._replace("core.profiles", ["person_id", "email"], [text] * 2, profiles)

    def merge(self, merges: dict[str, str]) -> None:
        """Says which people turned out to be another one: merged to kept."""
        rows = [{"merged_person_id": merged, "kept_person_id": kept} for merged, kept in merges.items()]
        self._replace("core.identity_merges", ["merged_person_id", "kept_person_id"], [pa.string()] * 2, rows)

    def change(self, *added: tuple[str, str, str, datetime]) -> None:
        """Adds changes (person, change, segment, instant) to those that there were."""
        self.changes += added
        rows = [
            {"segment": segment, "person_id": person, "change": change, "changed_at": at.replace(tzinfo=None)}
            for person, change, segment, at in self.changes
        ]
        self._replace(
            changes.TRANSITIONS,
            ["segment", "person_id", "change", "changed_at"],
            [pa.string(), pa.string(), pa.string(), pa.timestamp("us")],
            rows,
        )

    def take(self, as_of: datetime) -> int:
        deliveries = self.deliveries
        return sum(changes.take(self.warehouse, deliveries, webhook, as_of) for webhook in load_webhooks(self.path))

    def tell(self, run_time: timedelta = RUN_TIME, seed: int = 1) -> list[Pushed]:
        """Makes the attempts that are due at the test's clock."""
        warehouse = self.warehouse
        return deliver(
            load_webhooks(self.path),
            self.deliveries,
            lambda person_ids: changes.people(warehouse, person_ids),
            run_time,
            Clock(self.clock.now, random.Random(seed)),
        )

    def run(self, as_of: datetime) -> pushing.Run:
        """What the asset does, at the real time."""
        return pushing.run(self.settings, self.warehouse, as_of)

    def counts(self, webhook: str = "crm") -> dict[str, int]:
        return self.deliveries.counts().get(webhook, {})

    def _replace(self, table: str, names: list[str], types: list[pa.DataType], rows: list[dict[str, Any]]) -> None:
        schema = pa.schema(list(zip(names, types, strict=True)))
        self.warehouse.replace(table, pa.Table.from_pylist(rows, schema=schema))


def closed_port() -> int:
    """A port at which nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

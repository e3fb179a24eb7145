"""Real servers on free ports of the loopback, for as long as the tests run."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

_PASSWORD = "password-for-tests-only"
_START_SECONDS = 30.0


@dataclass(frozen=True)
class Postgres:
    """A running server whose databases are thrown away with it."""

    port: int

    def url(self, database: str = "postgres", password: str = _PASSWORD) -> str:
        return f"postgresql://sincerely:{password}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Runs each statement and commits it at once."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server of the system's own programs; without them the test is skipped, in CI it fails."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        missing = "PostgreSQL's programs are not in /usr/lib/postgresql; install the package postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    # Not in pytest's folder: only its owner may pass through that one, and PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="sincerely-postgres-"))
    user = _unprivileged()
    if user:
        shutil.chown(folder, user)
    server = None
    try:
        server, port = _start(programs[-1].parent, folder, user)
        yield Postgres(port)
    finally:
        if server:
            server.terminate()
            server.wait(timeout=_START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _start(programs: Path, folder: Path, user: str | None) -> tuple[subprocess.Popen[bytes], int]:
    data, log = folder / "data", (folder / "log").open("wb")
    password_file = folder / "password"
    password_file.write_text(_PASSWORD)
    if user:
        shutil.chown(password_file, user)
    subprocess.run(
        [
            programs / "initdb", "-D", data, "-U", "sincerely", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "-A", "scram-sha-256", f"--pwfile={password_file}",
        ],
        check=True, capture_output=True, user=user, cwd=folder,
    )  # fmt: skip
    port = free_port()
    server = subprocess.Popen(
        [
            programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "timezone=America/New_York",
        ],
        stdout=log, stderr=log, user=user, cwd=folder,
    )  # fmt: skip
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            Postgres(port).execute("select 1")
            return server, port
        except Exception:
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.1)


class Shop(ThreadingHTTPServer):
    """An HTTP API over `records`, in pages, from `since` on, for those who have the token.

    `faults` are spent one a request: Throttle and a status are answered, `drop` closes the connection before an
    answer, `cut` in the middle of one, None answers well.
    """

    token = "token-for-tests-only"
    page_size = 10

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ShopHandler)
        self.records: list[dict[str, Any]] = []
        self.faults: list[Throttle | int | str | None] = []
        self.requests: list[tuple[float, str]] = []
        self.retry_after_as_date = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def page(self, number: int, since: str) -> dict[str, Any]:
        found = sorted(
            (record for record in self.records if record.get("updated_at", "") >= since),
            key=lambda record: record.get("updated_at", ""),
        )
        start = (number - 1) * self.page_size
        has_more = start + self.page_size < len(found)
        return {"data": found[start : start + self.page_size], "has_more": has_more}


@dataclass(frozen=True)
class Throttle:
    """Too many requests; come back after so many seconds."""

    seconds: int


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class _ShopHandler(BaseHTTPRequestHandler):
    server: Shop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        shop = self.server
        shop.requests.append((time.monotonic(), self.path))
        fault = shop.faults.pop(0) if shop.faults else None
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if fault == "drop":
            self.close_connection = True
            return
        if isinstance(fault, Throttle):
            until = formatdate(time.time() + fault.seconds, usegmt=True)
            return self._answer(429, {}, {"Retry-After": until if shop.retry_after_as_date else str(fault.seconds)})
        if isinstance(fault, int):
            return self._answer(fault, {"error": "it broke"})
        if self.headers.get("Authorization") != f"Bearer {shop.token}":
            return self._answer(401, {"error": "no such token"})
        if url.path != "/v1/orders":
            return self._answer(404, {"error": "no such list"})
        body = shop.page(int(query.get("page", "1")), query.get("since", ""))
        self._answer(200, body, cut=fault == "cut")

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

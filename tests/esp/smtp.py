"""An SMTP server on the loopback that keeps what it takes, and has the faults that it is told to have."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.esp.faults import ACCEPTED_THEN_DROPPED, DROPPED, Faults

USER, PASSWORD = "sincerely", "pass word/for:tests"
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE)


class FakeSmtp:
    """What it took is in `accepted` by our message's id. `refuses` and `greylists` are addresses; faults are spent one
    a message, an answer such as `"450 try later"` among them. It names mail from `unwelcome` senders so."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.accepted: Counter[str] = Counter()
        self.contents: dict[str, bytes] = {}
        self.refuses: set[str] = set()
        self.greylists: set[str] = set()
        self.unwelcome: set[str] = set()
        self.connections = 0
        self.keeps_contents = True
        self.port = 0
        self.lock = threading.Lock()

    def url(self, scheme: str = "smtp", user: str = "", query: str = "") -> str:
        return f"{scheme}://{user}127.0.0.1:{self.port}{query}"

    # The verbs of aiosmtpd's handlers.

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        with self.lock:
            self.connections += 1
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unwelcome:
            return "550 5.7.1 not your domain"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return f"550 5.1.1 <{address}> no such user"
        if address in self.greylists:
            return f"450 4.7.1 <{address}> greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.faults.next()
        content = bytes(envelope.content or b"")
        if fault == DROPPED:
            _drop(server)
            return "421 gone"
        if isinstance(fault, str) and fault[0].isdigit():
            return fault
        found = _MESSAGE_ID.search(content)
        assert found
        message_id = found[1].decode()
        with self.lock:
            self.accepted[message_id] += 1
            if self.keeps_contents:
                self.contents[message_id] = content
        if fault == ACCEPTED_THEN_DROPPED:
            _drop(server)
        if isinstance(fault, float):
            await asyncio.sleep(fault)
        return "250 OK"


def _drop(server: SMTP) -> None:
    assert server.transport is not None
    server.transport.abort()


class _OnAnyPort(Controller):
    """A controller that learns from the system which port it has."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def smtp(**options: Any) -> Iterator[FakeSmtp]:
    """A running server; `options` are those of aiosmtpd, `tls_context` and `authenticator` among them."""
    fake = FakeSmtp()
    controller = _OnAnyPort(fake, hostname="127.0.0.1", port=0, **options)
    controller.start()
    fake.port = controller.port
    try:
        yield fake
    finally:
        controller.stop(no_assert=True)


def knows_the_password(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    """Takes USER with PASSWORD."""
    return AuthResult(success=data == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)


def tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context

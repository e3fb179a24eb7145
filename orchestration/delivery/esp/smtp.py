"""SMTP: one connection carries many messages, and each has an answer of its own (RFC 5321).

A 4yz answer is of now and a 5yz for good, for the message whose it is. Without an answer to the final dot the message
is *unknown* (RFC 5321, sections 4.2.5 and 6.1); before the dot it was certainly not taken. `Message-ID` carries ours.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from orchestration.delivery.esp.base import Answer, EspError, Limits
from orchestration.delivery.esp.http import shortened
from orchestration.delivery.stored import Stored
from orchestration.errors import SettingsError
from rendering.campaign import Campaign
from rendering.eml import to_eml

_CONNECTIONS = 4
# So few a request that a sender's death leaves few in doubt.
_MESSAGES = 50
_TIMEOUT_SECONDS = 120.0
_PORTS = {"smtp": 587, "smtps": 465}
_EXAMPLE = "write it like smtp://user:password@mail.example.com:587, or smtps:// where TLS comes first"
# The service closes the connection; and two answers to MAIL that speak of the message (RFC 5321; RFC 1870, 6.1).
_CLOSING, _TOO_LARGE = 421, (523, 552)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Smtp:
    """A server behind `smtp://user:password@host:port` (with STARTTLS) or `smtps://` (TLS from the start).

    Only on this machine may it speak without encryption; `?ca=FILE` names the certificates to trust.
    """

    name = "smtp"
    is_idempotent = False
    fills_templates = False
    limits = Limits(messages=_MESSAGES, connections=_CONNECTIONS)

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SettingsError(f"SINCERELY_SMTP_URL is no address; {_EXAMPLE}.") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SettingsError(f"SINCERELY_SMTP_URL is not set to a server; {_EXAMPLE}.")
        if (parts.username is None) != (parts.password is None):
            raise SettingsError(f"SINCERELY_SMTP_URL has a user without a password, or the other way; {_EXAMPLE}.")
        self._is_tls_first = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = port or _PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else ""
        self._authorities = next(iter(parse_qs(parts.query).get("ca", [])), None)
        self._of_thread = threading.local()
        self._open: list[smtplib.SMTP] = []
        self._lock = threading.Lock()

    def size_of(self, message: Stored) -> int:
        """Its content's bytes; servers say themselves what is too large."""
        return len(message.content)

    def hand_over(self, messages: Sequence[Stored], sent_at: datetime) -> Answer:
        """Sends one message after another over this thread's connection.

        What follows a lost connection is left, not tried: it goes over a new one.
        """
        kept = _Kept()
        for number, message in enumerate(messages):
            rest = messages[number:]
            try:
                connection = self._connection()
            except EspError:
                # What is taken already is answered first; the next request meets the same.
                if number == 0:
                    raise
                return kept.answer(rest, "the server does not take our connection")
            except (OSError, smtplib.SMTPException) as error:
                return kept.answer(rest, _reason("the connection failed", error))
            stage = _Stage()
            try:
                _transact(connection, message, stage)
            except smtplib.SMTPResponseException as error:
                code = error.smtp_code
                reason = f"the SMTP server answered {code}: {_text(error.smtp_error)}"
                if stage.is_senders and code >= 500 and code not in _TOO_LARGE:
                    self._forget(connection)
                    if number == 0:
                        raise EspError(
                            f"{reason}. It does not take our sender, so nothing more is handed over: check the "
                            "campaign's sender and SINCERELY_SMTP_URL, then run again."
                        ) from error
                    return kept.answer(rest, reason)
                if code == _CLOSING or (stage.is_senders and code < 500):
                    self._forget(connection)
                    return kept.answer(rest, reason)
                (kept.rejected if code >= 500 else kept.deferred)[message.message_id] = reason
                if not _is_reset(connection):
                    self._forget(connection)
            except (OSError, smtplib.SMTPException) as error:
                self._forget(connection)
                reason = _reason("the connection was lost", error)
                if not stage.is_dotted:
                    return kept.answer(rest, reason)
                kept.unknown[message.message_id] = reason
                return kept.answer(messages[number + 1 :], reason, is_to_be_repeated=True)
        return kept.answer((), "")

    def finish(self) -> None:
        """Says goodbye on every connection."""
        for connection in self._open:
            try:
                connection.quit()
            except (OSError, smtplib.SMTPException):
                connection.close()
        self._open.clear()

    def look_up(self, requests: Sequence[Sequence[str]]) -> Mapping[str, bool]:
        """Nothing: SMTP answers no questions afterwards. What bounces tells."""
        return {}

    @staticmethod
    def refuses(campaign: Campaign) -> list[str]:
        """Senders that not every server takes."""
        if campaign.sender.email.isascii():
            return []
        return [f"SMTP takes only ASCII in a sender's address ({campaign.sender.email!r}); write the domain as xn--."]

    def _connection(self) -> smtplib.SMTP:
        connection: smtplib.SMTP | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._connected()
            with self._lock:
                self._open.append(connection)
        return connection

    def _forget(self, connection: smtplib.SMTP) -> None:
        self._of_thread.connection = None
        connection.close()
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)

    def _connected(self) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=self._authorities)
        if self._is_tls_first:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT_SECONDS, context=trust)
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            # Small pieces are awaited by the other side, and must not wait here to become larger ones.
            assert connection.sock is not None
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.ehlo_or_helo_if_needed()
            if not self._is_tls_first:
                self._encrypt(connection, trust)
            if self._user is not None:
                connection.login(self._user, self._password)
        except smtplib.SMTPAuthenticationError as error:
            connection.close()
            if 400 <= error.smtp_code < 500:
                raise
            raise EspError(
                f"The SMTP server does not take the user of SINCERELY_SMTP_URL ({error.smtp_code}). Nothing more is "
                "handed over: correct the user or the password, then run again."
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            connection.close()
            raise EspError(
                f"The SMTP server takes no users ({error}); leave them out of SINCERELY_SMTP_URL."
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _encrypt(self, connection: smtplib.SMTP, trust: ssl.SSLContext) -> None:
        if connection.has_extn("starttls"):
            connection.starttls(context=trust)
            connection.ehlo()
        elif self._host not in _LOOPBACK:
            raise EspError(
                f"The SMTP server {self._host} offers no encryption (STARTTLS), so nothing is handed over to it. "
                "Use a port that does, or smtps://."
            )


@dataclass
class _Kept:
    """The answers so far, by message id; who is in none of them was accepted."""

    rejected: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    deferred: dict[str, str] = field(default_factory=dict)

    def answer(self, left: Sequence[Stored], reason: str, is_to_be_repeated: bool = False) -> Answer:
        """The answer to the whole request, of which `left` was not tried."""
        reasons = {message.message_id: reason for message in left}
        return Answer(self.rejected, self.unknown, reasons, self.deferred, is_to_be_repeated=is_to_be_repeated)


class _Stage:
    """How far a message came: past the final dot nobody knows without an answer."""

    is_senders = True
    is_dotted = False


def _transact(connection: smtplib.SMTP, message: Stored, stage: _Stage) -> None:
    """One mail transaction; SMTPResponseException with the server's answer when it is not taken."""
    content = to_eml(message.payload, datetime.now(UTC))
    size = f" SIZE={len(content)}" if connection.has_extn("size") else ""
    _expect(connection.docmd(f"MAIL FROM:<{message.from_email}>{size}"), 250)
    stage.is_senders = False
    _expect(connection.docmd(f"RCPT TO:<{message.to_email}>"), 250, 251)
    _expect(connection.docmd("DATA"), 354)
    dotted = _dotted(content)
    # The end of the data goes alone: what fails before it was certainly not taken.
    connection.send(dotted)
    stage.is_dotted = True
    connection.send(b".\r\n")
    _expect(connection.getreply(), 250)


def _dotted(content: bytes) -> bytes:
    """Lines that begin with a dot get one more (RFC 5321, section 4.5.2); line ends are CR LF already."""
    content = content.replace(b"\r\n.", b"\r\n..")
    content = b"." + content if content.startswith(b".") else content
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        if answer[0] == -1:
            raise smtplib.SMTPServerDisconnected("the answer is no SMTP")
        raise smtplib.SMTPResponseException(*answer)


def _is_reset(connection: smtplib.SMTP) -> bool:
    """Whether the connection is ready for another message."""
    try:
        return connection.rset()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _text(words: bytes | str) -> str:
    """The server's own words, without addresses."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return shortened(" ".join("(address)" if "@" in word else word for word in text.split()))


def _reason(what: str, error: Exception) -> str:
    return f"{what} ({type(error).__name__})"

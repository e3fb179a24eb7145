"""One connection to a receiver: requests one after another, each within its time, whatever the other side does.

A client's usual time-outs count from one piece of the answer to the next; this one's counts for the whole request,
so that a receiver that trickles holds nobody up.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import h11

from orchestration.webhooks.attempts import Answer, retry_after

USER_AGENT = "Sincerely-Webhooks/1.0"
# An answer says nothing but its status; what is longer than this is cut off, and the connection with it.
_MOST_ANSWER_BYTES = 65_536
_READ_BYTES = 16_384


class _ClosedError(Exception):
    """The other side closed the connection before it answered."""


class Receiver:
    """A kept connection to a URL. To be used by one task at a time."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._netloc = parts.netloc
        self._timeout_seconds = timeout_seconds
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._answer: Answer | None = None

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends one request and returns its answer; never raises for what the network or the other side does."""
        self._answer = None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._post(headers, body)
        except TimeoutError:
            return self._broken(f"did not answer within {self._timeout_seconds:g} seconds")
        except ssl.SSLCertVerificationError:
            return self._broken("has a certificate that is not trusted")
        except (OSError, UnicodeError, _ClosedError) as error:
            return self._broken(f"cannot be reached, or broke off ({type(error).__name__.strip('_')})")
        except h11.RemoteProtocolError:
            return self._broken("answered something that is not HTTP")
        except BaseException:
            self.close()
            raise
        assert self._answer
        return self._answer

    def _broken(self, words: str) -> Answer:
        """Closes the connection; a status that came before it broke is an answer nevertheless."""
        self.close()
        return self._answer or Answer(error=words)

    def close(self) -> None:
        """Closes the connection; the next request opens another."""
        if self._streams:
            with suppress(OSError, RuntimeError):
                self._streams[1].transport.abort()
        self._streams = None

    async def _post(self, headers: Mapping[str, str], body: bytes) -> None:
        if self._streams:
            try:
                return await self._exchange(headers, body)
            except (ConnectionError, _ClosedError):
                # It was closed while it lay idle, most likely; the webhook-id lets the receiver drop a repeat.
                self.close()
        self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        self._http = h11.Connection(h11.CLIENT)
        return await self._exchange(headers, body)

    async def _exchange(self, headers: Mapping[str, str], body: bytes) -> None:
        assert self._streams
        reader, writer = self._streams
        request = h11.Request(
            method="POST",
            target=self._target,
            headers=[
                ("host", self._netloc),
                ("user-agent", USER_AGENT),
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                *headers.items(),
            ],
        )
        parts = (self._http.send(request), self._http.send(h11.Data(data=body)), self._http.send(h11.EndOfMessage()))
        writer.write(b"".join(part for part in parts if part))
        await writer.drain()
        await self._read_answer(reader)

    async def _read_answer(self, reader: asyncio.StreamReader) -> None:
        length = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(_READ_BYTES)
                if not data and self._answer is None:
                    raise _ClosedError
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                self._answer = _read(event)
            elif isinstance(event, h11.Data):
                length += len(event.data)
                if length > _MOST_ANSWER_BYTES:
                    return self.close()
            elif isinstance(event, h11.EndOfMessage):
                is_whole = (self._http.our_state, self._http.their_state) == (h11.DONE, h11.DONE)
                if not is_whole or self._http.trailing_data[0]:
                    return self.close()
                return self._http.start_next_cycle()
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise _ClosedError


def _read(response: h11.Response) -> Answer:
    values = dict(response.headers)
    now = datetime.now(UTC)
    wait = retry_after(values.get(b"retry-after", b"").decode("latin-1"), now)
    return Answer(status=response.status_code, retry_after=wait)

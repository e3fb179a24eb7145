"""One request to an ESP over HTTP, and what is certain afterwards: answered, never taken, or unknown."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

# A connection that the server may just be closing is not used again: a request on it would be neither here nor there.
_KEPT_SECONDS = 5.0
_CHUNK_BYTES = 256 * 1024
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Reply:
    """What came of a request. Without a status, `error` says why, and `is_certain` that nothing was taken."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    is_certain: bool = True

    @property
    def json(self) -> Any:
        """The body, decoded; None when it is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def pause(self, now: datetime | None = None) -> timedelta | None:
        """For how long the ESP asks not to be asked: Retry-After, or until X-RateLimit-Reset where nothing remains."""
        if after := self.headers.get("retry-after"):
            return _until(after, self._now(now))
        remaining, reset = self.headers.get("x-ratelimit-remaining"), self.headers.get("x-ratelimit-reset")
        if reset and reset.isdecimal() and (self.status == httpx.codes.TOO_MANY_REQUESTS or remaining == "0"):
            return max(timedelta(), datetime.fromtimestamp(int(reset), UTC) - self._now(now))
        return None

    def _now(self, now: datetime | None) -> datetime:
        """By the server's own clock where it says what it reads, for it is the one that counts."""
        date = self.headers.get("date")
        try:
            return now or (email.utils.parsedate_to_datetime(date) if date else datetime.now(UTC))
        except ValueError:
            return datetime.now(UTC)


def client(
    base_url: str, connections: int, *, auth: Any = None, headers: Mapping[str, str] | None = None
) -> httpx.Client:
    """A client for one ESP, to be shared by threads."""
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_KEPT_SECONDS
    )
    timeout = httpx.Timeout(connect=10.0, read=120.0, write=60.0, pool=None)
    return httpx.Client(base_url=base_url, auth=auth, headers=headers, limits=limits, timeout=timeout, trust_env=False)


def send(http: httpx.Client, method: str, path: str, *body: bytes) -> Reply:
    """Sends one request, once; its body comes in pieces, which are never put together."""
    content = _Body(body)
    headers = {"Content-Type": "application/json", "Content-Length": str(sum(map(len, body)))}
    try:
        answer = http.request(method, path, content=content, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        return Reply(error=f"it cannot be reached ({type(error).__name__})")
    except httpx.HTTPError as error:
        # A body that did not go out whole was not understood.
        return Reply(error=f"no answer could be read ({type(error).__name__})", is_certain=not content.is_out)
    finally:
        content.let_go()
    return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


class _Body:
    """A request's content in chunks. `is_out` from the moment that its last chunk is on its way."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.is_out = False

    def let_go(self) -> None:
        """Gives the pieces up: requests and their clients hold each other until Python looks for such circles."""
        self._pieces = ()

    def __iter__(self) -> Iterator[bytes]:
        chunk: list[bytes] = []
        size = 0
        for piece in self._pieces:
            chunk.append(piece)
            size += len(piece)
            if size >= _CHUNK_BYTES:
                yield b"".join(chunk)
                chunk, size = [], 0
        self.is_out = True
        if chunk:
            yield b"".join(chunk)


def shortened(text: str) -> str:
    """A vendor's words as they may be kept: one line, and not long."""
    return " ".join(text.split())[:_LONGEST_REASON]


def _until(after: str, now: datetime) -> timedelta | None:
    if after.strip().isdecimal():
        return timedelta(seconds=int(after))
    try:
        return max(timedelta(), email.utils.parsedate_to_datetime(after) - now)
    except ValueError:
        return None

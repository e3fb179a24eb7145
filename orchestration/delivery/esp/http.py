"""One request to an ESP over HTTP, and what is certain afterwards: answered, never taken, or unknown."""

from __future__ import annotations

import email.utils
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

# A connection that the server may just be closing is not used again: a request on it would be neither here nor there.
_KEPT_SECONDS = 5.0
# So much is on its way before it has left the processor's cache, and tells a body that broke off from one that is out.
PIECE_BYTES = 256 * 1024
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


class Body:
    """A request's content of `size` bytes, in pieces. `is_out` from the moment that its last piece is on its way."""

    def __init__(self, pieces: Iterable[bytes], size: int) -> None:
        self._pieces: Iterable[bytes] = pieces
        self.size = size
        self.is_out = False

    def let_go(self) -> None:
        """Gives the pieces up: requests and their clients hold each other until Python looks for such circles."""
        self._pieces = ()

    def __iter__(self) -> Iterator[bytes]:
        left = self.size
        for piece in self._pieces:
            left -= len(piece)
            self.is_out = left <= 0
            yield piece
        self.is_out = True


def send(http: httpx.Client, method: str, path: str, content: Body | bytes = b"") -> Reply:
    """Sends one request, once; the pieces of its body are never all put together."""
    body = content if isinstance(content, Body) else Body(_pieces(content), len(content))
    headers = {"Content-Type": "application/json", "Content-Length": str(body.size)}
    try:
        answer = http.request(method, path, content=body, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        return Reply(error=f"it cannot be reached ({type(error).__name__})")
    except httpx.HTTPError as error:
        # A body that did not go out whole was not understood.
        return Reply(error=f"no answer could be read ({type(error).__name__})", is_certain=not body.is_out)
    finally:
        body.let_go()
    return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES))


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

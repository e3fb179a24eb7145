"""Links: campaign parameters on the shop's addresses, and signed tokens that name a message and nobody."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rendering.errors import LinkError
from rendering.parts import Utm

UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "preferences"

_SIGNATURE_BYTES = 32
_PART = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1)(:\d+)?")
_SECRET_BYTES = 16


@dataclass(frozen=True)
class Grant:
    """What a genuine token stands for: its message, and the consent purpose of that message."""

    message_id: str
    purpose: str


@dataclass(frozen=True)
class Site:
    """Where the service answers, and the key of the links that lead there."""

    base_url: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"https://[^\s?#]+[^\s?#/]", self.base_url) and not _LOCAL.fullmatch(self.base_url):
            raise LinkError(
                f"The base URL {self.base_url!r} must be https:// without a slash at its end: "
                "mailbox providers ignore an unsubscribe link over http."
            )
        if len(self.secret) < _SECRET_BYTES:
            raise LinkError(f"The secret of signed links needs at least {_SECRET_BYTES} bytes.")

    def unsubscribe_url(self, message_id: str, purpose: str) -> str:
        """The address for RFC 8058: a POST withdraws `purpose`, a GET changes nothing."""
        return f"{self.base_url}/unsubscribe/{sign(self.secret, UNSUBSCRIBE, message_id, purpose)}"

    def preferences_url(self, message_id: str, purpose: str) -> str:
        """The address of the person's preferences."""
        return f"{self.base_url}/preferences/{sign(self.secret, PREFERENCES, message_id, purpose)}"


def sign(secret: bytes, action: str, message_id: str, purpose: str) -> str:
    """A URL-safe token for one action on one message: HMAC-SHA256 over action, message and purpose.

    The same arguments give the same token; a token for one action is worth nothing for another."""
    if not (_PART.fullmatch(message_id) and _PART.fullmatch(purpose)):
        raise LinkError(f"A token cannot be made for message {message_id!r} and purpose {purpose!r}.")
    body = f"{message_id}~{purpose}".encode("ascii")
    return base64.urlsafe_b64encode(_mac(secret, action, body) + body).rstrip(b"=").decode("ascii")


def verify(secret: bytes, action: str, token: str) -> Grant:
    """What `token` allows, compared in constant time; LinkError for anything that `sign` did not make."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        genuine = hmac.compare_digest(raw[:_SIGNATURE_BYTES], _mac(secret, action, raw[_SIGNATURE_BYTES:]))
        message_id, _, purpose = raw[_SIGNATURE_BYTES:].decode("ascii").partition("~")
    except (binascii.Error, ValueError) as error:
        raise LinkError("This link is not complete; copy the whole address from the message.") from error
    if not genuine:
        raise LinkError("This link was not made here, or was changed; use the one in the message.")
    if sign(secret, action, message_id, purpose) != token:
        raise LinkError("This link was changed; use the one in the message.")
    return Grant(message_id, purpose)


def _mac(secret: bytes, action: str, body: bytes) -> bytes:
    return hmac.digest(secret, action.encode("ascii") + b"~" + body, hashlib.sha256)


@lru_cache(maxsize=65_536)
def with_utm(url: str, utm: Utm, website: str) -> str:
    """`url` with the campaign's parameters, which replace those it had. A path (`/offers`) is one of the
    shop's own; an address that is not http(s), as data may hold, becomes the shop's front page."""
    if url.startswith("/") and not url.startswith("//") and _is_web_address(website + url):
        url = website + url
    parts = urlsplit(url.strip() if _is_web_address(url) else website)
    ours = {"utm_source": utm.source, "utm_medium": utm.medium, "utm_campaign": utm.campaign}
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key not in ours]
    return urlunsplit(parts._replace(query=urlencode([*kept, *ours.items()])))


def picture(url: str | None) -> str:
    """The address of a picture as it is; nothing for an address that is not http(s)."""
    return url if url and _is_web_address(url) else ""


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False

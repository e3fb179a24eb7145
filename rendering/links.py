"""Links: campaign parameters on the shop's addresses, and signed tokens that name a message and nobody."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rendering.errors import LinkError
from rendering.parts import Utm

UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "preferences"
CLICK = "click"
# The path of the link that no person sees; dbt's macro `is_hidden_link` knows it, too.
HIDDEN = "~"
# Where a link says which message it stood in: `m=<message_id>.<signature>`. While a message is made, a mark that
# no value can hold stands for it, so that a link to a product is made once for all its readers.
MESSAGE_PARAMETER = "m"
MESSAGE_MARK = "\x02"

_SIGNATURE_BYTES = 32
_BLOCK_BYTES = 64  # of SHA-256
# 80 bits: it is compared by this service only, and what it protects is a count of clicks.
_SHORT_SIGNATURE_BYTES = 10
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PART = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1)(:\d+)?")
_SECRET_BYTES = 16
_STATIC = re.compile(r'(?<![\w:-])href="(https?://[^"{}]*)"')
# Most addresses of products are as simple as these; taking the others apart costs thirty times as much.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_.~-][A-Za-z0-9_.~/-]*")
_PLAIN_URL = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+/[A-Za-z0-9_.~/-]*")


@dataclass(frozen=True)
class Grant:
    """What a genuine token stands for: its message, and the consent purpose of that message."""

    message_id: str
    purpose: str


@dataclass(frozen=True)
class Click:
    """What a genuine click leads to, and the message whose link it was."""

    message_id: str
    url: str


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

    def links(self, message_id: str, purpose: str) -> tuple[str, str, str]:
        """What one message needs: `unsubscribe_url`, `preferences_url` and `message_reference`, checked once."""
        _check(message_id, purpose)
        body = f"{message_id}~{purpose}".encode("ascii")
        return (
            f"{self.base_url}/unsubscribe/{_token(self.secret, UNSUBSCRIBE, body)}",
            f"{self.base_url}/preferences/{_token(self.secret, PREFERENCES, body)}",
            self.message_reference(message_id),
        )

    def hidden_url(self, reference: str) -> str:
        """An address for a link that no person sees: who follows it reads the markup, and is no person."""
        return f"{self.base_url}/{HIDDEN}/{reference}"

    def message_reference(self, message_id: str) -> str:
        """What every link of a message carries: its id and a signature, as one value that needs no quoting."""
        return f"{message_id}.{_short(self.secret, MESSAGE_PARAMETER, message_id)}"


def sign(secret: bytes, action: str, message_id: str, purpose: str) -> str:
    """A URL-safe token for one action on one message: HMAC-SHA256 over action, message and purpose.

    The same arguments give the same token; a token for one action is worth nothing for another."""
    _check(message_id, purpose)
    return _token(secret, action, f"{message_id}~{purpose}".encode("ascii"))


def _check(message_id: str, purpose: str) -> None:
    if not (_PART.fullmatch(message_id) and _PART.fullmatch(purpose)):
        raise LinkError(f"A token cannot be made for message {message_id!r} and purpose {purpose!r}.")


def _token(secret: bytes, action: str, body: bytes) -> str:
    return _packed(_mac(secret, action, body) + body)


def _packed(raw: bytes) -> str:
    # What base64.urlsafe_b64encode does, without its two calls in between.
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")


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


def message_of(secret: bytes, reference: str) -> str:
    """The message whose links carry `m=<reference>`; LinkError for one that was not made here."""
    message_id, _, signature = reference.rpartition(".")
    if not (_PART.fullmatch(message_id) and _is_genuine(signature, secret, MESSAGE_PARAMETER, message_id)):
        raise LinkError("This link does not name a message of ours.")
    return message_id


def click_url(site: Site, url: str) -> str:
    """The address that counts a click and leads on to `url`; MESSAGE_MARK stands for the message.

    The destination is signed by itself, so that nobody can use the service to lead people elsewhere."""
    packed = _packed(url.replace(MESSAGE_MARK, "").encode())
    return f"{site.base_url}/c/{packed}.{_short(site.secret, CLICK, packed)}/{MESSAGE_MARK}"


def verify_click(secret: bytes, destination: str, reference: str) -> Click:
    """Where `/c/<destination>/<reference>` leads, for whose message; LinkError unless both were made here."""
    packed, _, signature = destination.rpartition(".")
    if not (packed.isascii() and _is_genuine(signature, secret, CLICK, packed)):
        raise LinkError("This link was not made here, or was changed; use the one in the message.")
    message_id = message_of(secret, reference)
    url = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_").decode()
    return Click(message_id, re.sub(rf"([?&]{MESSAGE_PARAMETER}=)(?=#|$)", rf"\g<1>{reference}", url))


def _short(secret: bytes, action: str, text: str) -> str:
    return _packed(_mac(secret, action, text.encode("ascii"))[:_SHORT_SIGNATURE_BYTES])


def _is_genuine(signature: str, secret: bytes, action: str, text: str) -> bool:
    return hmac.compare_digest(signature.encode("utf-8", "replace"), _short(secret, action, text).encode())


def _mac(secret: bytes, action: str, body: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) of action and body, from a key that is hashed once: `hmac.digest` spends six times
    as long on looking up the algorithm and the key, for every message again."""
    opened, closed = _keyed(secret)
    inner, outer = opened.copy(), closed.copy()
    inner.update(action.encode("ascii") + b"~" + body)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=16)
def _keyed(secret: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    key = hashlib.sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))


def track(html: str) -> str:
    """`html` with each address that stands in it as text handed to the filter `link`, as if it had been written so."""

    def replaced(match: re.Match[str]) -> str:
        url = unescape(match[1]).replace("'", "%27").replace("\\", "%5C")
        return f"href=\"{{{{ '{url}' | link }}}}\""

    return _STATIC.sub(replaced, html)


def tracked(url: str, utm: Utm, website: str) -> str:
    """`with_utm`, and the place for the message (MESSAGE_MARK) as the last parameter."""
    address, hash_sign, fragment = with_utm(url, utm, website).partition("#")
    return f"{address}&{MESSAGE_PARAMETER}={MESSAGE_MARK}{hash_sign}{fragment}"


def with_utm(url: str, utm: Utm, website: str) -> str:
    """`url` with the campaign's parameters, which replace those it had. A path (`/offers`) is one of the
    shop's own; an address that is not http(s), as data may hold, becomes the shop's front page."""
    if _PLAIN_PATH.fullmatch(url):
        return f"{website}{url}?{_parameters(utm)}"
    if _PLAIN_URL.fullmatch(url):
        return f"{url}?{_parameters(utm)}"
    if url.startswith("/") and not url.startswith("//") and _is_web_address(website + url):
        url = website + url
    parts = urlsplit(url.strip() if _is_web_address(url) else website)
    ours = {"utm_source": utm.source, "utm_medium": utm.medium, "utm_campaign": utm.campaign}
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key not in ours]
    return urlunsplit(parts._replace(query=urlencode([*kept, *ours.items()])))


@lru_cache(maxsize=1_024)
def _parameters(utm: Utm) -> str:
    return urlencode({"utm_source": utm.source, "utm_medium": utm.medium, "utm_campaign": utm.campaign})


def picture(url: str | None) -> str:
    """The address of a picture as it is; nothing for an address that is not http(s)."""
    return url if url and _is_web_address(url) else ""


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False

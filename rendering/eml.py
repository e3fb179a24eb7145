"""Payloads as files of the internet message format, the same bytes each time."""

from __future__ import annotations

from binascii import b2a_qp
from datetime import datetime
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime, formataddr
from io import BytesIO

from rendering.payload import Payload

_POLICY = compat32.clone(linesep="\r\n")
_LINE = 78


def to_eml(payload: Payload, sent_at: datetime) -> bytes:
    """`payload` as a MIME message (RFC 5322): text and HTML alternatives in UTF-8. Nothing in it is drawn by
    chance or read from a clock, so equal arguments give equal bytes. `sent_at` needs a time zone."""
    if sent_at.tzinfo is None:
        raise ValueError("sent_at has no time zone; give it in UTC.")
    message = Message(_POLICY)
    message["From"] = formataddr((payload.from_name, payload.from_email), "utf-8")
    message["To"] = payload.to_email
    if payload.reply_to:
        message["Reply-To"] = payload.reply_to
    message["Subject"] = Header(payload.subject, _charset(payload.subject), _LINE, "Subject").encode()
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = f"<{payload.message_id}@{payload.from_email.rpartition('@')[2]}>"
    for name, value in payload.headers:
        message[name] = value
    message["MIME-Version"] = "1.0"
    # "=_" cannot occur in a quoted-printable body, so no body can hold the boundary.
    message.add_header("Content-Type", "multipart/alternative", boundary=f"=_{payload.message_id}")
    message.attach(_part(payload.text, "plain"))
    message.attach(_part(payload.html, "html"))
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, maxheaderlen=0, policy=_POLICY).flatten(message)
    return out.getvalue()


def _charset(text: str) -> str:
    """Plain where it can be folded at its spaces; encoded words fold anywhere."""
    foldable = text.isascii() and max(map(len, text.split()), default=0) <= _LINE // 2
    return "us-ascii" if foldable else "utf-8"


def _part(text: str, subtype: str) -> Message:
    """A part in quoted-printable: the library's own encoder takes a hundred times as long."""
    part = Message(_POLICY)
    part.add_header("Content-Type", f"text/{subtype}", charset="utf-8")
    part.add_header("Content-Transfer-Encoding", "quoted-printable")
    part.set_payload(b2a_qp(text.encode(), istext=True).decode("ascii"))
    return part

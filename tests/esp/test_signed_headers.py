"""What DKIM signs arrives as it was rendered, and RFC 8058's two headers are among it, by file and by SMTP."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email import policy
from pathlib import Path

import pytest

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.esp.smtp import Smtp
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.sender import send
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.eml import to_eml
from rendering.links import Site
from rendering.payload import Payload, render
from rendering.templates import compile_campaign
from tests.esp.cases import NOW, outbox, plan
from tests.esp.smtp import FakeSmtp, smtp
from tests.rendering.conftest import regular

__all__ = ["outbox"]

# What a signer covers: RFC 6376 §5.4.1, and what RFC 8058 §4 asks for beside it.
_SIGNED = (
    "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type",
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)  # fmt: skip


def canonical(raw: bytes) -> tuple[dict[str, bytes], bytes]:
    """The signed headers and the body in the form `relaxed` (RFC 6376 §3.4). Fails where one is there twice."""
    head, _, body = raw.partition(b"\r\n\r\n")
    found: dict[str, bytes] = {}
    for line in re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        key = name.strip().lower().decode()
        if key in _SIGNED:
            assert key not in found, key
            found[key] = re.sub(rb"[ \t]+", b" ", value).strip()
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return found, b"\r\n".join(lines)


@pytest.fixture(scope="module")
def payloads() -> list[Payload]:
    """Real messages, with names that must be folded or encoded."""
    compiled = compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))
    site = Site("https://mail.example.com", b"sixteen bytes or more")
    names = ["Maria", "Märia 😀", "x" * 120, "a very long name " * 12]
    return [
        render(compiled, {**regular(message_id=f"m-{n}"), "first_name": name}, site) for n, name in enumerate(names)
    ]


@pytest.fixture
def fake() -> Iterator[FakeSmtp]:
    with smtp() as server:
        yield server


def _given(esp: str, fake: FakeSmtp, folder: Path) -> Esp:
    return Smtp(fake.url()) if esp == "smtp" else FolderEsp(folder)


@pytest.mark.parametrize("esp", ["folder", "smtp"])
def test_what_is_signed_arrives_as_it_was_rendered(
    esp: str, outbox: Outbox, fake: FakeSmtp, tmp_path: Path, payloads: list[Payload]
) -> None:
    plan(outbox, payloads)
    send(outbox, _given(esp, fake, tmp_path / "mails"), NOW)
    files = {path.stem: path.read_bytes() for path in (tmp_path / "mails").rglob("*.eml")}
    arrived = fake.contents if esp == "smtp" else files
    assert set(arrived) == {each.message_id for each in payloads}
    for payload in payloads:
        raw = arrived[payload.message_id]
        # A server is told when it is told; all else is the message's own.
        sent_at = email.message_from_bytes(raw, policy=policy.default)["Date"].datetime
        assert canonical(raw) == canonical(to_eml(payload, sent_at))


@pytest.mark.parametrize("esp", ["folder", "smtp"])
def test_every_message_can_be_left_with_one_click(
    esp: str, outbox: Outbox, fake: FakeSmtp, tmp_path: Path, payloads: list[Payload]
) -> None:
    plan(outbox, payloads)
    send(outbox, _given(esp, fake, tmp_path / "mails"), NOW)
    files = {path.stem: path.read_bytes() for path in (tmp_path / "mails").rglob("*.eml")}
    for payload in payloads:
        raw = (fake.contents if esp == "smtp" else files)[payload.message_id]
        signed, _ = canonical(raw)
        assert signed["list-unsubscribe-post"] == b"List-Unsubscribe=One-Click"
        # Neither folded within an address nor encoded: mailbox providers read it as it stands.
        assert re.fullmatch(rb"<https://mail\.example\.com/unsubscribe/[A-Za-z0-9_-]+>", signed["list-unsubscribe"])
        parsed = email.message_from_bytes(raw, policy=policy.default)
        assert parsed["List-Unsubscribe"] == dict(payload.headers)["List-Unsubscribe"]

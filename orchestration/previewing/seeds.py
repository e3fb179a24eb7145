"""Test sends: a preview's messages to addresses of our own, marked, and never recorded as anybody's message."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

import orjson

from orchestration.delivery.esp.choice import esp_for
from orchestration.delivery.stored import store
from orchestration.errors import DeliveryError, SettingsError
from orchestration.previewing.sections import Preview
from orchestration.settings import Settings
from rendering.payload import Payload

# What a test send calls its campaign, in the ESP's statistics as in the outbox's folder.
TESTS = "preview-tests"
MARK = "[Test]"
MOST_TESTS = 50


def checked(settings: Settings, asked: Sequence[str]) -> list[str]:
    """The addresses asked for; SettingsError when one is not among SINCERELY_SEED_ADDRESSES."""
    allowed = {address.strip().lower() for address in settings.seed_addresses.split(",") if address.strip()}
    for number, address in enumerate(asked, 1):
        if address.strip().lower() not in allowed:
            which = f"The address of --send-to number {number}" if len(asked) > 1 else "The address of --send-to"
            raise SettingsError(
                f"{which} is not one of SINCERELY_SEED_ADDRESSES ({len(allowed)} are); add it there, with a comma "
                "between two. Tests go to no other address."
            )
    return [address.strip() for address in dict.fromkeys(asked)]


def send(
    settings: Settings, previews: Sequence[Preview], addresses: Collection[str], named: Collection[str] = ()
) -> int:
    """Hands over, for each address, the messages of each campaign's first person in all variants, or of the people who
    are `named` (by id); returns how many. Nothing is recorded: their ids are of no campaign's message."""
    esp = esp_for(settings)
    payloads = [
        marked(payload if esp.fills_templates else payload._replace(template_id=None, data=None), address)
        for preview in previews
        for payload in _of(preview, named)
        for address in sorted(addresses)
    ]
    if len(payloads) > MOST_TESTS:
        raise DeliveryError(
            f"That would be {len(payloads)} test messages, and at most {MOST_TESTS} go at once; name a campaign."
        )
    # One call a message: an ESP takes an address once in a call.
    for payload in payloads:
        answer = esp.hand_over([store(payload)], datetime.now(UTC))
        for reason in (
            *answer.rejected.values(),
            *answer.unknown.values(),
            *answer.left.values(),
            *answer.deferred.values(),
        ):
            raise DeliveryError(f"The ESP {settings.esp} did not take a test message: {reason}.")
    esp.finish()
    return len(payloads)


def marked(payload: Payload, address: str) -> Payload:
    """The payload for a seed address. Its id hangs on what it says: sent again unchanged it is the same message."""
    data = bytes(payload.data or b"")
    said = "|".join((payload.message_id, address, payload.subject, payload.html, payload.text, data.decode()))
    message_id = f"preview-{hashlib.sha256(said.encode()).hexdigest()[:24]}"
    headers = tuple(
        (name, {"X-Sincerely-Message-Id": message_id, "Feedback-ID": TESTS}.get(name, value))
        for name, value in payload.headers
    )
    return payload._replace(
        message_id=message_id,
        to_email=address,
        subject=f"{MARK} {payload.subject}",
        data=orjson.dumps({**orjson.loads(data), "subject": f"{MARK} {payload.subject}"}) if data else None,
        campaign=TESTS,
        occurrence=payload.campaign,
        headers=headers,
    )


def _of(preview: Preview, named: Collection[str]) -> Iterator[Payload]:
    wanted = set(named) or {person.person_id for person in preview.section.people[:1]}
    return (payload for payload in preview.payloads if payload.person_id in wanted)

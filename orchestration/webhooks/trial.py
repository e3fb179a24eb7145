"""One signed request of no meaning, to see whether a receiver takes what we send."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime

from orchestration.webhooks import signing
from orchestration.webhooks.attempts import Answer
from orchestration.webhooks.deliveries import Delivery
from orchestration.webhooks.payload import Person, body
from orchestration.webhooks.receiver import Receiver
from orchestration.webhooks.settings import Webhook


def send(webhook: Webhook) -> Answer:
    """Sends a `webhook.test` about nobody, once; nothing is written down.

    Raises SettingsError when the signing secret is not there.
    """
    keys = signing.keys_of(webhook.secret_env)
    now = datetime.now(UTC)
    delivery = Delivery(
        id=f"test-{secrets.token_hex(16)}",
        webhook=webhook.name,
        segment=next(iter(webhook.segments), "any_segment"),
        person_id="test",
        change="test",
        changed_at=now.replace(tzinfo=None, microsecond=0),
    )
    content = body(delivery, Person("test"), webhook.include)
    return asyncio.run(_post(webhook, signing.headers(keys, delivery.id, now, content), content))


async def _post(webhook: Webhook, headers: dict[str, str], content: bytes) -> Answer:
    receiver = Receiver(webhook.url, webhook.timeout_seconds)
    try:
        return await receiver.post(headers, content)
    finally:
        receiver.close()

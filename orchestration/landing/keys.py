"""Keys that are derived from the home's one secret, each for one use."""

from __future__ import annotations

import hashlib
import hmac


def email_hash_key(secret: str) -> str:
    """The key under which suppressed addresses are hashed; knowing it does not reveal the secret."""
    return hmac.new(secret.encode(), b"email-hash", hashlib.sha256).hexdigest()


def connector_key(secret: str) -> str:
    """The key under which connectors remember the rows and keys that they delivered."""
    return hmac.new(secret.encode(), b"connectors", hashlib.sha256).hexdigest()

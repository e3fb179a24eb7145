"""Signatures by which a receiver knows that a request is ours, whole and recent.

As Standard Webhooks 1.0.0 says, "Verifying webhook authenticity" and "Webhook headers"
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from orchestration.errors import SettingsError

_PREFIX = "whsec_"
_KEY_BYTES = (24, 64)


def keys_of(variable: str, environ: Mapping[str, str] | None = None) -> list[bytes]:
    """The keys in an environment variable: `whsec_` and base64; two of them, with a space between, while one
    replaces the other.

    Raises SettingsError that names the variable, never its value.
    """
    secrets = (os.environ if environ is None else environ).get(variable, "").split()
    if not secrets:
        raise SettingsError(f"the environment variable {variable} is not set; put the signing secret into it")
    return [_key(secret, variable) for secret in secrets]


def headers(keys: Sequence[bytes], webhook_id: str, attempted_at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt. `attempted_at` is the attempt's own time, UTC: a receiver refuses an old one."""
    timestamp = str(int(attempted_at.timestamp()))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    digests = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{digest}" for digest in digests),
    }


def _key(secret: str, variable: str) -> bytes:
    remedy = (
        'make one with: python -c "import base64, secrets; '
        "print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""
    )
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or not key:
        raise SettingsError(f"the environment variable {variable} holds no whsec_ followed by base64; {remedy}")
    least, most = _KEY_BYTES
    if not least <= len(key) <= most:
        raise SettingsError(
            f"the secret in {variable} has {len(key)} bytes, and the specification wants {least} to {most}; {remedy}"
        )
    return key

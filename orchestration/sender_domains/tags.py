"""Records of tags, as DKIM and DMARC write them: `v=DKIM1; k=rsa; p=…` (RFC 6376 §3.2)."""

from __future__ import annotations


def tags(record: str) -> dict[str, str]:
    """The tags by their names in small letters; the first of two alike counts."""
    found: dict[str, str] = {}
    for part in record.split(";"):
        name, separator, value = part.partition("=")
        if separator:
            found.setdefault(name.strip().lower(), "".join(value.split()))
    return found

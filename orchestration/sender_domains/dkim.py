"""DKIM (RFC 6376): the keys that messages are signed with, under selectors that only the signer knows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from orchestration.sender_domains.findings import Finding, Level
from orchestration.sender_domains.lookup import TextRecords
from orchestration.sender_domains.tags import tags

# What the ESPs name their selectors when nobody chooses others.
SELECTORS = {"sendgrid": ("s1", "s2"), "mailchimp": ("k2", "k3")}
_WEAK_BITS = 1_024
_GOOD_BITS = 2_048
# Of a public key's bytes, those that say what it is (RFC 5280 §4.1.2.7) and hold no bit of the modulus.
_ENVELOPE_BYTES = 38


def check(domain: str, selectors: Sequence[str], ask: TextRecords) -> list[Finding]:
    """Findings for each selector, and one where no key is at the domain itself. Raises NoAnswerError."""
    if not selectors:
        return [
            Finding(
                domain, "DKIM", "warning",
                "Which key signs is not known: set SINCERELY_DKIM_SELECTORS to the selectors that your mail server "
                "or ESP shows, separated by commas.",
            )
        ]  # fmt: skip
    findings = [_of_selector(domain, selector, ask) for selector in selectors]
    if any(finding.level != "error" for finding in findings):
        # The other selector of a pair is the next key, or the last.
        return [_softened(finding) for finding in findings]
    return findings


def _of_selector(domain: str, selector: str, ask: TextRecords) -> Finding:
    def found(level: Level, words: str) -> Finding:
        return Finding(domain, "DKIM", level, words)

    name = f"{selector}._domainkey.{domain}"
    records = _keys(name, ask)
    if not records:
        for parent in _parents(domain):
            if _keys(f"{selector}._domainkey.{parent}", ask):
                return found(
                    "note",
                    f"The DKIM key of selector {selector} is at {parent}: mail signed with d={parent} is aligned with "
                    f"{domain}, unless DMARC asks for strict alignment (adkim=s).",
                )
        return found(
            "error",
            f"There is no DKIM key at {name}. Publish the record that your ESP or mail server gives for it: a CNAME, "
            'or TXT "v=DKIM1; k=rsa; p=<the public key>".',
        )
    if len(records) > 1:
        return found("error", f"There are {len(records)} DKIM keys at {name}; leave the one that signs.")
    parts = tags(records[0])
    if parts.get("v", "DKIM1") != "DKIM1":
        return found("error", f"The DKIM key at {name} is of version {parts['v']}; begin the record with v=DKIM1.")
    if not parts["p"]:
        return found("error", f"The DKIM key at {name} is revoked (p= is empty); publish the key that signs.")
    try:
        length = len(base64.b64decode(parts["p"], validate=True))
    except (binascii.Error, ValueError):
        return found("error", f"The DKIM key at {name} is broken: p= is no base64; copy it whole, without quotes.")
    if parts.get("k", "rsa") == "rsa":
        bits = (length - _ENVELOPE_BYTES) * 8
        if bits < _WEAK_BITS - 64:
            return found("error", f"The DKIM key at {name} has about {max(bits, 0)} bits; make one of {_GOOD_BITS}.")
        if bits < _GOOD_BITS - 64:
            return found("warning", f"The DKIM key at {name} has about {_WEAK_BITS} bits; make one of {_GOOD_BITS}.")
    if "y" in parts.get("t", "").lower().split(":"):
        return found("warning", f"The DKIM key at {name} says that it is on trial (t=y); take that out of the record.")
    return found("ok", f"a key is at {name}")


def _keys(name: str, ask: TextRecords) -> list[str]:
    return [record for record in ask(name) if "p" in tags(record)]


def _parents(domain: str) -> list[str]:
    """The domains above, but for the top."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels) - 1)]


def _softened(finding: Finding) -> Finding:
    return Finding(
        finding.domain, finding.subject, "note" if finding.level == "error" else finding.level, finding.words
    )

"""SPF (RFC 7208): which servers may send for a domain."""

from __future__ import annotations

import re

from orchestration.sender_domains.findings import Finding, Level
from orchestration.sender_domains.lookup import TextRecords

# What each ESP's servers are named by.
INCLUDES = {"sendgrid": "sendgrid.net", "mailchimp": "servers.mcsv.net"}
_MAX_LOOKUPS = 10  # RFC 7208 §4.6.4
_ASKS = re.compile(r"[+?~-]?(include|a|mx|ptr|exists)([:/].*)?|redirect=.*", re.IGNORECASE)


def check(domain: str, esp: str, ask: TextRecords) -> list[Finding]:
    """Findings for the domain of a sender whose mail leaves through `esp`. Raises NoAnswerError."""

    def found(level: Level, words: str) -> Finding:
        return Finding(domain, "SPF", level, words)

    wanted = INCLUDES.get(esp)
    example = f'"v=spf1 include:{wanted} ~all"' if wanted else '"v=spf1 mx ~all", with your servers in it'
    records = _records(domain, ask)
    if not records:
        return [found("error", f"There is no SPF record. Publish a TXT record at {domain}: {example}.")]
    if len(records) > 1:
        return [
            found(
                "error", f"There are {len(records)} SPF records at {domain}, which voids them all; merge them into one."
            )
        ]
    (record,) = records
    terms = record.split()[1:]
    findings = []
    end = next((term.lower() for term in terms if term.lower().endswith("all") and len(term) <= 4), "")
    if end in ("all", "+all"):
        findings.append(
            found("error", f"The SPF record of {domain} ends in {end}: anybody may send for it; write ~all.")
        )
    elif end == "?all" or not (end or any(term.lower().startswith("redirect=") for term in terms)):
        findings.append(found("warning", f"The SPF record of {domain} does not say what others are; end it in ~all."))
    if wanted and f"include:{wanted}" not in [term.lower().lstrip("+") for term in terms]:
        findings.append(
            found(
                "warning",
                f"The SPF record of {domain} does not name {esp}'s servers; add include:{wanted} before its end, "
                f"unless {esp} sends under a return path of its own domain that is set up there.",
            )
        )
    lookups = _lookups(domain, record, ask, set())
    if lookups > _MAX_LOOKUPS:
        findings.append(
            found("error", f"The SPF record of {domain} asks for {lookups} lookups, more than {_MAX_LOOKUPS}, "
                  "which voids it; take out what does not send.")
        )  # fmt: skip
    return findings or [found("ok", f"{record}")]


def _records(domain: str, ask: TextRecords) -> list[str]:
    return [text for text in ask(domain) if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def _lookups(domain: str, record: str, ask: TextRecords, seen: set[str]) -> int:
    """How many terms ask the DNS, those of the included records with them."""
    seen.add(domain)
    count = 0
    for term in record.split()[1:]:
        if not _ASKS.fullmatch(term):
            continue
        count += 1
        kind, _, target = term.lstrip("+?~-").replace("=", ":", 1).partition(":")
        if kind.lower() in ("include", "redirect") and "%" not in target and target.lower() not in seen:
            for included in _records(target.lower(), ask)[:1]:
                count += _lookups(target.lower(), included, ask, seen)
        if count > 4 * _MAX_LOOKUPS:
            break
    return count

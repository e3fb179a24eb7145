"""DMARC (RFC 7489): what becomes of mail in a domain's name that neither SPF nor DKIM vouches for."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.sender_domains.findings import Finding, Level
from orchestration.sender_domains.lookup import TextRecords
from orchestration.sender_domains.tags import tags

_POLICIES = ("none", "quarantine", "reject")
_MOST_PARENTS = 8


def check(domain: str, ask: TextRecords) -> list[Finding]:
    """Findings for the policy that holds for the domain: its own, or the nearest parent's. Raises NoAnswerError."""

    def found(level: Level, words: str) -> Finding:
        return Finding(domain, "DMARC", level, words)

    holder, records = _policy(domain, ask)
    if not records:
        return [
            found(
                "error",
                f'There is no DMARC record. Publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; '
                f'rua=mailto:dmarc@{domain}", and a stricter p= once the reports show only your own mail.',
            )
        ]
    if len(records) > 1:
        return [
            found("error", f"There are {len(records)} DMARC records at _dmarc.{holder}, which voids them; leave one.")
        ]
    parts = tags(records[0])
    policy = parts.get("sp", parts.get("p", "")) if holder != domain else parts.get("p", "")
    if policy.lower() not in _POLICIES:
        return [
            found("error", f"The DMARC record at _dmarc.{holder} has no policy; add p=none, p=quarantine or p=reject.")
        ]
    findings = []
    if policy.lower() == "none":
        findings.append(
            found(
                "note",
                f"The DMARC policy at _dmarc.{holder} is none: it suffices for bulk mail, and lets others use your "
                "name; make it quarantine once the reports show only your own mail.",
            )
        )
    if not parts.get("rua"):
        findings.append(
            found("warning", f"Nobody gets the DMARC reports; add rua=mailto:dmarc@{holder} at _dmarc.{holder}.")
        )
    findings.extend(_alignment(domain, holder, parts))
    return findings or [found("ok", f"p={policy.lower()} at _dmarc.{holder}")]


def _alignment(domain: str, holder: str, parts: dict[str, str]) -> Iterator[Finding]:
    """Strict alignment asks for the very domain of the sender, in the signature and in the return path."""
    for tag, what in (("adkim", "signed with d="), ("aspf", "sent with a return path at ")):
        if parts.get(tag, "r").lower() == "s":
            yield Finding(
                domain, "DMARC", "note",
                f"{tag}=s at _dmarc.{holder} asks for strict alignment: mail has to be {what}{domain} itself, and an "
                "ESP's default is a subdomain.",
            )  # fmt: skip


def _policy(domain: str, ask: TextRecords) -> tuple[str, list[str]]:
    """Where the policy is, and its records: at the domain or, label by label, above it."""
    labels = domain.split(".")
    for start in range(min(len(labels) - 1, _MOST_PARENTS)):
        holder = ".".join(labels[start:])
        records = [text for text in ask(f"_dmarc.{holder}") if text.replace(" ", "").lower().startswith("v=dmarc1")]
        if records:
            return holder, records
    return domain, []

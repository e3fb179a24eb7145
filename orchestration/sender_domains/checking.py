"""Each campaign's sender held against what the DNS says of their domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestration.errors import SettingsError
from orchestration.sender_domains import dkim, dmarc, spf
from orchestration.sender_domains.findings import Finding
from orchestration.sender_domains.lookup import NoAnswerError, Resolver
from orchestration.settings import Settings
from rendering.campaign import Campaign

# Names that nobody can own (RFC 2606, RFC 6761).
_RESERVED_TOPS = ("test", "example", "invalid", "localhost")
_RESERVED = ("example.com", "example.net", "example.org")


def check(settings: Settings, campaigns: Iterable[Campaign]) -> list[Finding]:
    """Findings by domain, in the order of their names."""
    domains = sorted({campaign.sender.domain.lower() for campaign in campaigns})
    selectors = _selectors(settings)
    is_asked = bool(settings.dns_server)
    reserved = [domain for domain in domains if is_reserved(domain) and not is_asked]
    findings = [
        Finding(
            domain, "DNS", "note",
            "is reserved for examples and not looked up; put a domain of yours into the campaign's sender.",
        )
        for domain in reserved
    ]  # fmt: skip
    real = [domain for domain in domains if domain not in reserved]
    if not real:
        return findings
    try:
        ask = Resolver(settings.dns_server)
    except SettingsError as error:
        return [*findings, *(Finding(domain, "DNS", "warning", str(error)) for domain in real)]
    for domain in real:
        findings.extend(of_domain(domain, settings.esp, selectors, ask))
    return findings


def of_domain(domain: str, esp: str, selectors: Sequence[str], ask: Resolver) -> list[Finding]:
    """SPF, DKIM and DMARC of one domain; a DNS that does not answer ends the looking up."""
    findings: list[Finding] = []
    try:
        findings.extend(spf.check(domain, esp, ask))
        findings.extend(dkim.check(domain, selectors, ask))
        findings.extend(dmarc.check(domain, ask))
    except NoAnswerError as error:
        findings.append(Finding(domain, "DNS", "warning", str(error)))
    return findings


def is_reserved(domain: str) -> bool:
    """Whether the domain exists for examples and tests only."""
    return domain.rpartition(".")[2] in _RESERVED_TOPS or any(
        domain == name or domain.endswith(f".{name}") for name in _RESERVED
    )


def _selectors(settings: Settings) -> tuple[str, ...]:
    given = tuple(part.strip().lower() for part in settings.dkim_selectors.split(",") if part.strip())
    return given or dkim.SELECTORS.get(settings.esp, ())

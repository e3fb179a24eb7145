"""What the doctor says of a sender's domain: a real DNS server on the loopback holds the records."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest

from orchestration.errors import SettingsError
from orchestration.sender_domains import checking
from orchestration.sender_domains.findings import Finding
from orchestration.sender_domains.lookup import Resolver
from orchestration.settings import CAMPAIGNS, load_settings
from rendering.campaign import load_campaigns
from tests.conftest import Sincerely
from tests.dns_server import DnsServer, dns_server  # noqa: F401

DOMAIN = "news.shop.test"
_KEY = base64.b64encode(bytes(294)).decode()  # as long as the public key of 2,048 bits


def of_domain(server: DnsServer, esp: str = "sendgrid", selectors: tuple[str, ...] = ("s1", "s2")) -> list[Finding]:
    return checking.of_domain(DOMAIN, esp, selectors, Resolver(server.address))


def sound() -> dict[str, list[str]]:
    return {
        DOMAIN: ["v=spf1 include:sendgrid.net ~all", "a word to somebody else"],
        f"s1._domainkey.{DOMAIN}": [f"v=DKIM1; k=rsa; p={_KEY}"],
        f"s2._domainkey.{DOMAIN}": [f"k=rsa; p={_KEY}"],
        f"_dmarc.{DOMAIN}": ["v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.test"],
    }


def levels(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.subject, each.level) for each in findings]


def test_a_domain_with_all_three_is_sound(dns_server: DnsServer) -> None:  # noqa: F811
    dns_server.records = sound()
    assert levels(of_domain(dns_server)) == [("SPF", "ok"), ("DKIM", "ok"), ("DKIM", "ok"), ("DMARC", "ok")]


def test_what_is_missing_is_named_with_the_record_to_publish(dns_server: DnsServer) -> None:  # noqa: F811
    found = of_domain(dns_server)
    assert levels(found) == [("SPF", "error"), ("DKIM", "error"), ("DKIM", "error"), ("DMARC", "error")]
    assert f'a TXT record at {DOMAIN}: "v=spf1 include:sendgrid.net ~all"' in found[0].words
    assert f"s1._domainkey.{DOMAIN}" in found[1].words
    assert f'_dmarc.{DOMAIN}: "v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}"' in found[3].words


@pytest.mark.parametrize(
    ("name", "texts", "subject", "level", "words"),
    [
        (DOMAIN, ["v=spf1 include:sendgrid.net +all"], "SPF", "error", "anybody may send"),
        (DOMAIN, ["v=spf1 include:sendgrid.net"], "SPF", "warning", "does not say what others are"),
        (DOMAIN, ["v=spf1 mx ~all"], "SPF", "warning", "add include:sendgrid.net"),
        (DOMAIN, ["v=spf1 mx ~all", "v=spf1 a ~all"], "SPF", "error", "2 SPF records"),
        (DOMAIN, ["v=spf1 include:sendgrid.net " + "exists:%{i}.a.test " * 10 + "~all"], "SPF", "error", "11 lookups"),
        (f"s1._domainkey.{DOMAIN}", ["v=DKIM1; p="], "DKIM", "note", "revoked"),
        (f"s1._domainkey.{DOMAIN}", ["v=DKIM1; p=not base64!"], "DKIM", "note", "no base64"),
        (f"s1._domainkey.{DOMAIN}", [f"v=DKIM1; t=y; p={_KEY}"], "DKIM", "warning", "on trial"),
        (f"s1._domainkey.{DOMAIN}", [f"p={base64.b64encode(bytes(162)).decode()}"], "DKIM", "warning", "1024 bits"),
        (f"s1._domainkey.{DOMAIN}", [f"p={base64.b64encode(bytes(94)).decode()}"], "DKIM", "note", "448 bits"),
        (f"_dmarc.{DOMAIN}", ["v=DMARC1; rua=mailto:a@shop.test"], "DMARC", "error", "has no policy"),
        (f"_dmarc.{DOMAIN}", ["v=DMARC1; p=reject"], "DMARC", "warning", "Nobody gets the DMARC reports"),
        (f"_dmarc.{DOMAIN}", ["v=DMARC1; p=none; rua=mailto:a@shop.test"], "DMARC", "note", "is none"),
        (f"_dmarc.{DOMAIN}", ["v=DMARC1; p=reject; adkim=s; rua=mailto:a@shop.test"], "DMARC", "note", "strict"),
        (f"_dmarc.{DOMAIN}", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "DMARC", "error", "2 DMARC records"),
    ],
)
def test_a_record_that_does_not_do_is_named_with_the_remedy(
    dns_server: DnsServer,  # noqa: F811
    name: str,
    texts: list[str],
    subject: str,
    level: str,
    words: str,
) -> None:
    dns_server.records = {**sound(), name: texts}
    troubled = [each for each in of_domain(dns_server) if each.level != "ok"]
    assert [(each.subject, each.level) for each in troubled] == [(subject, level)]
    assert words in troubled[0].words


def test_included_records_count_among_the_ten_lookups(dns_server: DnsServer) -> None:  # noqa: F811
    dns_server.records = sound() | {"sendgrid.net": ["v=spf1 " + "include:other.test " + "a:b.test " * 9 + "~all"]}
    assert "11 lookups" in of_domain(dns_server)[0].words


def test_an_include_that_comes_back_to_itself_ends(dns_server: DnsServer) -> None:  # noqa: F811
    dns_server.records = sound() | {"sendgrid.net": [f"v=spf1 include:{DOMAIN} include:sendgrid.net ~all"]}
    assert of_domain(dns_server)[0].level == "ok"


def test_a_policy_and_a_key_above_the_domain_hold_for_it(dns_server: DnsServer) -> None:  # noqa: F811
    dns_server.records = {
        DOMAIN: ["v=spf1 include:sendgrid.net ~all"],
        "s1._domainkey.shop.test": [f"v=DKIM1; p={_KEY}"],
        "_dmarc.shop.test": ["v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@shop.test"],
    }
    found = of_domain(dns_server, selectors=("s1",))
    assert levels(found) == [("SPF", "ok"), ("DKIM", "note"), ("DMARC", "note")]
    assert "d=shop.test is aligned" in found[1].words
    assert "_dmarc.shop.test is none" in found[2].words


def test_a_server_that_fails_or_is_silent_says_nothing_of_the_records(
    dns_server: DnsServer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestration.sender_domains.lookup._LIFETIME_SECONDS", 0.3)
    dns_server.records = sound()
    dns_server.failing = {f"s1._domainkey.{DOMAIN}"}
    assert levels(of_domain(dns_server)) == [("SPF", "ok"), ("DNS", "warning")]
    dns_server.silent = {DOMAIN}
    (only,) = of_domain(dns_server)
    assert (only.level, DOMAIN in only.words, "try again" in only.words) == ("warning", True, True)


def test_without_known_selectors_the_doctor_asks_for_them(dns_server: DnsServer) -> None:  # noqa: F811
    dns_server.records = sound()
    (dkim,) = [each for each in of_domain(dns_server, selectors=()) if each.subject == "DKIM"]
    assert "SINCERELY_DKIM_SELECTORS" in dkim.words


def test_a_domain_for_examples_is_not_looked_up(tmp_path: Path) -> None:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    found = checking.check(settings, load_campaigns(CAMPAIGNS))
    assert {(each.domain, each.level) for each in found} == {("market.example.com", "note")}


def test_without_the_extra_the_doctor_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    settings = load_settings({"SINCERELY_HOME": str(tmp_path), "SINCERELY_DNS_SERVER": "127.0.0.1:53"})
    (found,) = checking.check(settings, load_campaigns(CAMPAIGNS))
    assert "pip install 'sincerely[dns]'" in found.words


def test_a_server_may_be_named(dns_server: DnsServer) -> None:  # noqa: F811
    dns_server.records = sound()
    port = dns_server.address.rpartition(":")[2]
    assert Resolver(f"localhost:{port}")(f"s1._domainkey.{DOMAIN}") == dns_server.records[f"s1._domainkey.{DOMAIN}"]


@pytest.mark.parametrize("server", ["resolver.invalid:53", "127.0.0.1:port", "127.0.0.1:0", ":53:"])
def test_a_server_that_is_no_address_is_refused(server: str) -> None:
    with pytest.raises(SettingsError, match="SINCERELY_DNS_SERVER"):
        Resolver(server)


def test_the_doctor_prints_and_ends_with_what_is_missing(
    tmp_path: Path,
    dns_server: DnsServer,  # noqa: F811
    sincerely: Sincerely,
) -> None:
    dns_server.records = {
        "market.example.com": ["v=spf1 mx ~all"],
        "a._domainkey.market.example.com": [f"v=DKIM1; p={_KEY}"],
    }
    asked = {"SINCERELY_DNS_SERVER": dns_server.address, "SINCERELY_DKIM_SELECTORS": "a, b"}
    done = sincerely(tmp_path, "doctor", **asked)
    assert done.returncode == 1
    assert "market.example.com DMARC: error: There is no DMARC record." in done.stdout
    assert "market.example.com DKIM: note: There is no DKIM key at b._domainkey.market.example.com." in done.stdout

    dns_server.records["_dmarc.market.example.com"] = ["v=DMARC1; p=reject; rua=mailto:d@market.example.com"]
    done = sincerely(tmp_path, "doctor", "--json", **asked)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = {row["name"]: row for row in json.loads(done.stdout)}
    assert facts["DMARC of market.example.com"]["level"] == "ok"
    assert facts["SINCERELY_DKIM_SELECTORS"]["value"] == "a, b"

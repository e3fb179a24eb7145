"""Whether a campaign's links and pictures are there, asked over the network: HEAD first, GET where that is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from rendering.campaign import Campaign
from rendering.errors import RenderingError
from rendering.findings import Finding
from rendering.links import MESSAGE_PARAMETER, Site
from rendering.payload import render
from rendering.samples import samples
from rendering.source import unfold
from rendering.templates import compile_campaign
from rendering.variants import versions

_ADDRESS = re.compile(r'(?:href|src)="(https?://[^"]+)"')
_SITE = Site("https://service.example.com", b"only for trying it out")
_SECONDS = 10.0
_AT_ONCE = 4
# Servers that do not answer HEAD say one of these, or close the connection.
_NO_HEAD = frozenset((403, 404, 405, 501))
_AGENT = "sincerely-lint"


def link_findings(campaigns: Iterable[Campaign], transport: httpx.BaseTransport | None = None) -> list[Finding]:
    """An error for each address of the campaigns that does not answer with what it promises. Addresses of products
    are not asked: they come from data, one for each."""
    places: dict[str, tuple[Path, int]] = {}
    for campaign in campaigns:
        for version in versions(campaign):
            places = {**_addresses(version), **places}
    with (
        httpx.Client(
            follow_redirects=True, timeout=_SECONDS, headers={"User-Agent": _AGENT}, transport=transport
        ) as client,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        wrong = list(pool.map(lambda url: _wrong(client, url), places))
    return sorted(
        Finding(file, line, "error", f"{url} {words}; correct the address, or put the page back.")
        for (url, (file, line)), words in zip(places.items(), wrong, strict=True)
        if words
    )


def _addresses(campaign: Campaign) -> dict[str, tuple[Path, int]]:
    """Each address of the made-up people's messages, without what is personal, and where it stands."""
    found: dict[str, tuple[Path, int]] = {}
    try:
        template = unfold(campaign, campaign.template)
        compiled = compile_campaign(campaign)
    except RenderingError:
        return found  # lint itself says what is wrong
    for record in samples(campaign):
        try:
            html = render(compiled, {**record, "recommendations": []}, _SITE).html
        except RenderingError:
            continue
        for address in _ADDRESS.findall(html):
            url = _impersonal(unescape(address))
            if url.startswith(_SITE.base_url):
                continue
            path = urlsplit(url).path
            piece = next((each for each in template if path.strip("/") and path in each.text), template[0])
            at = piece.text.find(path) if path else 0
            found.setdefault(url, (piece.file, piece.line + piece.text.count("\n", 0, max(at, 0))))
    return found


def _impersonal(url: str) -> str:
    parts = urlsplit(url)
    kept = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != MESSAGE_PARAMETER
    ]
    return urlunsplit(parts._replace(query=urlencode(kept), fragment=""))


def _wrong(client: httpx.Client, url: str) -> str | None:
    """What is wrong with an address; None when it answers."""
    try:
        answer = client.head(url)
        if answer.status_code in _NO_HEAD:
            with client.stream("GET", url) as answer:
                pass
    except httpx.HTTPError as error:
        return f"cannot be reached ({type(error).__name__})"
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        return f"answers {answer.status_code}"
    return "leads to an address that is not https" if answer.url.scheme != "https" and url.startswith("https") else None

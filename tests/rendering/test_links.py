from __future__ import annotations

import base64
import dataclasses
import hmac
import re
from html import unescape

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.errors import LinkError
from rendering.links import (
    PREFERENCES,
    UNSUBSCRIBE,
    Grant,
    Site,
    _mac,
    click_url,
    message_of,
    picture,
    sign,
    verify,
    verify_click,
    with_utm,
)
from rendering.parts import Utm
from rendering.payload import render
from rendering.templates import compile_campaign
from tests.bench.rendering import people
from tests.rendering.conftest import CAMPAIGN, MESSAGE, person

SECRET = b"sixteen bytes or more"
UTM = Utm("s", "email", "c d")
SHOP = "https://shop.example.com"
OURS = "utm_source=s&utm_medium=email&utm_campaign=c+d"


def test_a_token_gives_back_its_message_and_purpose():
    token = sign(SECRET, UNSUBSCRIBE, "m-1", "offers")

    assert verify(SECRET, UNSUBSCRIBE, token) == Grant("m-1", "offers")


def test_a_token_for_one_action_is_worth_nothing_for_another():
    with pytest.raises(LinkError):
        verify(SECRET, PREFERENCES, sign(SECRET, UNSUBSCRIBE, "m-1", "offers"))


def test_a_token_of_another_secret_is_refused():
    with pytest.raises(LinkError):
        verify(b"another secret of ours", UNSUBSCRIBE, sign(SECRET, UNSUBSCRIBE, "m-1", "offers"))


@given(st.integers(0, 200), st.characters())
def test_a_token_with_one_character_changed_is_refused(place, character):
    token = sign(SECRET, UNSUBSCRIBE, "m-1", "offers")
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]

    if changed != token:
        with pytest.raises(LinkError):
            verify(SECRET, UNSUBSCRIBE, changed)


@given(st.text(max_size=200))
def test_what_was_never_signed_is_refused(token):
    with pytest.raises(LinkError):
        verify(SECRET, UNSUBSCRIBE, token)


def test_the_secret_is_never_printed():
    assert "sixteen" not in repr(Site("https://mail.example.com", SECRET))


@pytest.mark.parametrize("url", ["http://mail.example.com", "https://mail.example.com/", "ftp://x", "", "https://"])
def test_a_base_url_that_mailbox_providers_would_ignore_is_refused(url):
    with pytest.raises(LinkError):
        Site(url, SECRET)


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("https://x.example.com/a?b=1#c", f"https://x.example.com/a?b=1&{OURS}#c"),
        ("https://x.example.com/?utm_source=other", f"https://x.example.com/?{OURS}"),
        ("/offers", f"{SHOP}/offers?{OURS}"),
        ("//evil.example.com", f"{SHOP}?{OURS}"),
        ("javascript:alert(1)", f"{SHOP}?{OURS}"),
        ("data:text/html,x", f"{SHOP}?{OURS}"),
        ("https://[broken", f"{SHOP}?{OURS}"),
        ("", f"{SHOP}?{OURS}"),
    ],
)
def test_links_carry_the_campaign_and_lead_to_the_web(url, becomes):
    assert with_utm(url, UTM, SHOP) == becomes


@given(st.text())
def test_no_address_from_data_leaves_the_web(url):
    assert with_utm(url, UTM, SHOP).startswith(("http://", "https://"))
    assert picture(url) == "" or picture(url).strip().lower().startswith(("http://", "https://"))


SITE = Site("https://mail.example.com", SECRET)


def test_every_link_of_a_message_names_it_and_nobody_else_can(write):
    payload = render(compile_campaign(write()), person(), SITE)

    references = re.findall(r"&amp;m=([^\"&]+)\"", payload.html) + re.findall(r"&m=(\S+)\)", payload.text)

    assert len(references) == 2  # the button, in both parts; the footer's links have tokens of their own
    assert {message_of(SECRET, each) for each in references} == {"a1b2c3"}


@given(st.integers(0, 30), st.characters())
def test_a_reference_with_one_character_changed_is_refused(place, character):
    reference = SITE.message_reference("m-1")
    place %= len(reference)
    changed = reference[:place] + character + reference[place + 1 :]

    if changed != reference:
        with pytest.raises(LinkError):
            message_of(SECRET, changed)


def test_an_address_written_out_in_a_template_is_tracked_too(write):
    message = MESSAGE.replace("Dear", '<a href="https://x.example.com/a?b=1&amp;c=it\'s#d">read</a> Dear')

    html = render(compile_campaign(write(message=message)), person(), SITE).html

    address = unescape(re.search(r'href="(https://x[^"]+)"', html)[1])
    assert re.fullmatch(
        r"https://x\.example\.com/a\?b=1&c=it%27s&utm_source=s&utm_medium=email&utm_campaign=small&m=a1b2c3\.\S{14}#d",
        address,
    )


def redirecting(write):
    return compile_campaign(write(campaign=CAMPAIGN + "links: redirect\n"))


def test_a_campaign_may_send_clicks_through_the_service(write):
    payload = render(redirecting(write), person(), SITE)

    (address,) = re.findall(r'href="https://mail\.example\.com/c/([^"]+)"', payload.html)
    destination, _, reference = address.partition("/")
    click = verify_click(SECRET, destination, reference)

    assert click.message_id == "a1b2c3"
    assert click.url == f"https://shop.example.com/go?utm_source=s&utm_medium=email&utm_campaign=small&m={reference}"
    assert f"https://mail.example.com/c/{address}" in payload.text


def test_the_service_leads_nowhere_that_was_not_in_a_message(write):
    destination, _, reference = click_url(SITE, "https://shop.example.com/?m=\x02").partition("/c/")[2].partition("/")
    elsewhere = base64.urlsafe_b64encode(b"https://evil.example.com/").decode().rstrip("=")
    signature = destination.rpartition(".")[2]

    for wrong in (f"{elsewhere}.{signature}", elsewhere, f"{destination}x", "", ".", "ä.ö"):
        with pytest.raises(LinkError):
            verify_click(SECRET, wrong, SITE.message_reference("m-1"))
    with pytest.raises(LinkError):
        verify_click(SECRET, destination, "m-1.AAAAAAAAAAAAAA")
    assert verify_click(SECRET, destination, SITE.message_reference("m-1")).message_id == "m-1"
    assert reference == "\x02"


def test_products_shared_by_many_lead_through_the_service_for_each_of_them(write):
    campaign = load_campaign(CAMPAIGNS / "loyalty_reward")
    compiled = compile_campaign(dataclasses.replace(campaign, links="redirect"))
    records = list(people(0, 6, products=3))

    rendered = list(Renderer(compiled, SITE).render(pa.RecordBatch.from_pylist(records)))

    assert rendered == [render(compiled, record, SITE) for record in records]
    for payload in rendered:
        found = re.findall(r'href="https://mail\.example\.com/c/([^/"]+)/([^"]+)"', payload.html)
        assert len(found) == 8
        assert {verify_click(SECRET, *each).message_id for each in found} == {payload.message_id}


@given(st.binary(min_size=16, max_size=200), st.text("abcdefghij", min_size=1), st.binary(max_size=300))
def test_the_signature_is_the_one_of_the_standard_library(secret, action, body):
    assert _mac(secret, action, body) == hmac.digest(secret, action.encode() + b"~" + body, "sha256")

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.errors import LinkError
from rendering.links import PREFERENCES, UNSUBSCRIBE, Grant, Site, picture, sign, verify, with_utm
from rendering.parts import Utm

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

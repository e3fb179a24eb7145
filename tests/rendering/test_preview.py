"""What a preview says of a message, and the page that it stands in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from rendering.campaign import CAMPAIGNS, Campaign, load_campaign
from rendering.links import Site
from rendering.preview.gallery import Before, Placement, Section, changed_count, page, saved
from rendering.preview.masking import masked
from rendering.preview.reading import Link, read
from rendering.preview.shown import HIDDEN, Shown, show
from rendering.templates import compile_campaign
from tests.rendering.conftest import CAMPAIGN, MESSAGE, person, regular

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">{{7*7}}'


def record(**values: Any) -> dict[str, Any]:
    return {**person(rules={"hero": "near"}, recommendations=None, variant="default"), **values}


def shown(campaign: Campaign, site: Site, sensitive: frozenset[str] = frozenset(), **values: Any) -> Shown:
    return show(compile_campaign(campaign), record(**values), site, sensitive)[0]


def test_an_address_is_told_without_the_means_to_write_to_it() -> None:
    assert masked("anna.berg@example.com") == "a…@example.com"
    assert masked("a@b@example.com") == "a…@example.com"
    assert masked("") == "…@"


def test_a_list_of_messages_begins_with_the_hidden_preheader() -> None:
    html = """<html><head><title>T</title><style>p{}</style></head>
        <body><div style="display:none">First &amp; hidden</div>
        <a href="https://example.com/a?b=1&amp;c=2"><span aria-hidden="true"><b>J</b></span>Shop</a>
        <a href="/x"><img src="y" alt="A picture"></a><!-- no --><p>End</p></body></html>"""
    reading = read(html)
    assert reading.snippet == "First & hidden JShop A picture End"
    assert reading.links == (Link("Shop", "https://example.com/a?b=1&c=2"), Link("A picture", "/x"))
    assert reading.pictures_count == 1
    assert len(read(f"<p>{'word ' * 100}</p>").snippet) == 140


def test_it_says_which_rule_won_which_did_not_hold_and_which_were_not_asked(
    write: Callable[..., Campaign], site: Site
) -> None:
    campaign = write()
    near = shown(campaign, site, city="New York").slots[0]
    assert [(rule.name, rule.state, rule.when) for rule in near.rules] == [
        ("near", "won", "city = 'New York'"),
        ("rest", "unreached", None),
    ]
    assert (near.block, near.fields) == ("near", (("city", "New York"),))
    rest = shown(campaign, site, rules={"hero": "rest"}, city=None).slots[0]
    assert [rule.state for rule in rest.rules] == ["passed", "won"]
    assert rest.fields == (("city", "nothing"),)


def test_a_sensitive_field_may_decide_and_its_value_stands_nowhere(write: Callable[..., Campaign], site: Site) -> None:
    campaign = write(CAMPAIGN.replace("city = 'New York'", "gender = 'F'"))
    slot = shown(campaign, site, frozenset({"gender"}), gender="F").slots[0]
    assert slot.fields == (("gender", HIDDEN),)


@pytest.mark.parametrize("empty", [None, "", "  ", "\u202e"])
def test_a_value_that_is_none_or_empty_is_told_as_its_fallback(
    write: Callable[..., Campaign], site: Site, empty: str | None
) -> None:
    message = shown(write(), site, first_name=empty)
    name = next(token for token in message.tokens if token.name == "first_name")
    assert (name.value, name.is_fallback) == ("there", True)
    assert message.subject == "Hello there"


def test_a_token_that_is_made_of_other_fields_is_told_as_the_message_has_it(
    write: Callable[..., Campaign], site: Site
) -> None:
    tokens = "first_name: {type: text, fallback: there}\n  location: {type: text, fallback: your town}"
    campaign = write(
        CAMPAIGN.replace("first_name: {type: text, fallback: there}", tokens),
        MESSAGE.replace("Dear {{ first_name }}", "Dear {{ first_name }} of {{ location }}"),
    )
    for values, told in (({"city": "", "region": "Ohio"}, ("Ohio", False)), ({"city": None}, ("your town", True))):
        message = shown(campaign, site, **values)
        location = next(token for token in message.tokens if token.name == "location")
        assert (location.value, location.is_fallback) == told
        assert f"of {told[0]}" in message.html


def test_products_are_told_with_list_rank_version_and_reason(site: Site) -> None:
    campaign = load_campaign(CAMPAIGNS / "loyalty_reward")
    values = regular()
    products = [{**each, "list": "buy_again", "model_version": "v7"} for each in values["recommendations"]]
    rules = {"hero": "regular", "local": "new_york"}
    message, payload = show(
        compile_campaign(campaign), {**values, "rules": rules, "recommendations": products}, site, frozenset()
    )
    first = message.products[0]
    assert (first.rank, first.list, first.model_version) == (1, "buy_again", "v7")
    assert (first.price, first.reason) == ("4.49 USD", "You like it")
    assert payload is not None and message.html_bytes == len(payload.html.encode())


def test_a_message_that_cannot_be_rendered_says_why_and_still_why_it_would_be_so(
    write: Callable[..., Campaign], site: Site
) -> None:
    campaign = write(CAMPAIGN.replace("first_name: {type: text, fallback: there}", "first_name: {type: text}"))
    message, payload = show(compile_campaign(campaign), record(first_name=None), site, frozenset())
    assert payload is None
    assert message.problem == "first_name has no value; declare a fallback for it in campaign.yml."
    assert message.slots[0].rules[0].state == "won"
    assert (message.html, message.subject, message.html_bytes) == ("", "", 0)


def test_what_planning_has_against_a_message_is_told_in_its_place(write: Callable[..., Campaign], site: Site) -> None:
    message, payload = show(compile_campaign(write()), record(), site, frozenset(), "there is no event")
    assert (message.problem, message.html, payload) == ("there is no event", "", None)


def gallery_of(message: Shown, campaign: Campaign, before: Before | None = None) -> str:
    placement = Placement("p1", HOSTILE, "m…@example.com", "gets it", "in the segment everyone", "default")
    section = Section(campaign.name, campaign, "once", 1, people=(placement,), messages=(message,))
    return page([section], "2018-01-01", "abc", before)


def test_the_page_runs_its_own_script_alone_and_no_value_ends_an_element(
    write: Callable[..., Campaign], site: Site
) -> None:
    html = gallery_of(shown(write(), site, first_name=HOSTILE), write())
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert "<" not in data
    assert json.loads(data)["campaigns"][0]["people"][0]["first_name"] == HOSTILE


def test_html_comes_back_whole_from_its_pieces(write: Callable[..., Campaign], site: Site) -> None:
    message = shown(write(), site)
    html = gallery_of(message, write())
    (data,) = re.findall(r'id="data">(.*?)</script>', html, re.DOTALL)
    campaign = json.loads(data)["campaigns"][0]
    assert "".join(campaign["pieces"][at] for at in campaign["messages"][0]["html"]) == message.html


def test_a_message_is_changed_when_its_reader_gets_another(write: Callable[..., Campaign], site: Site) -> None:
    campaign = write()
    old = saved([Section("small", campaign, messages=(shown(campaign, site),))])
    other = write(message=MESSAGE.replace("Dear", "Hello"))
    new = saved([Section("small", other, messages=(shown(other, site),))])
    before = Before("v1", "v1, of 2018-01-01", old)
    assert changed_count(old, before) == 0
    assert changed_count(new, before) == 1
    assert changed_count([{**new[0], "person_id": "p2"}], before) == 0
    (data,) = re.findall(r'id="data">(.*?)</script>', gallery_of(shown(other, site), other, before), re.DOTALL)
    told = json.loads(data)["campaigns"][0]
    assert told["messages"][0]["change"] == "changed"
    assert "".join(told["pieces"][at] for at in told["messages"][0]["before"]["html"]) == old[0]["html"]

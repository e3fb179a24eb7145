from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from html.parser import HTMLParser

import pyarrow as pa
import pytest
from babel.numbers import format_currency
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.eml import to_eml
from rendering.errors import RenderError
from rendering.links import UNSUBSCRIBE, Site, verify
from rendering.payload import MESSAGE_FIELDS, render
from rendering.samples import samples
from rendering.templates import compile_campaign
from rendering.tokens import WRITING_FIELDS
from rendering.wording import listed, money, readable
from tests.rendering.conftest import CAMPAIGN, person, regular

SITE = Site("https://mail.example.com", b"sixteen bytes or more")
SENT_AT = datetime(2018, 1, 1, 9, tzinfo=UTC)
HOSTILE = [
    "{{7*7}}",
    "{% for x in y %}",
    "{{ ''.__class__.__mro__ }}",
    "<script>alert(1)</script>",
    "--><img src=x onerror=alert(1)>",
    '"><b>',
    "a\r\nBcc: all@example.com",
    "nul\x00l",
    "\u202egpj.exe",
    "half \ud800 a pair",
    "line\u2028line",
    "👩‍👩‍👧 😀",
    "x" * 100_000,
    "jinja-3-x <!--jinja-4-->",
]


class Shape(HTMLParser):
    """The elements of a page and the attributes that do something."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, *sorted(name for name, _ in attrs)))


def shape(html: str) -> list[tuple[str, ...]]:
    parser = Shape()
    parser.feed(html)
    return parser.elements


@pytest.fixture(scope="module")
def loyalty():
    return compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))


def hostile(value):
    product = {"product_id": value, "name": value, "category": value, "price": Decimal(1), "currency": "USD"}
    product |= {"url": value, "image_url": None, "reason": value, "rank": 1}
    texts = dict.fromkeys(("first_name", "city", "viewed_category", "favourite_category"), value)
    return regular() | texts | {"recommendations": [product] * 6}


def check_hostile(compiled, value):
    payload = render(compiled, hostile(value), SITE)
    assert shape(payload.html) == shape(render(compiled, hostile("plain"), SITE).html)
    lines = [payload.subject, *(text for header in payload.headers for text in header)]
    assert not any(mark in line for line in lines for mark in "\r\n\x00\u2028")
    assert not any(mark in payload.html + payload.text for mark in "\x00\u202e\u2066")
    parsed = message_from_bytes(to_eml(payload, SENT_AT), policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["To"] == "maria@example.com"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_never_becomes_markup_or_a_header(loyalty, value):
    check_hostile(loyalty, value)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1))
def test_no_value_ever_becomes_markup_or_a_header(loyalty, value):
    check_hostile(loyalty, value)


def test_a_template_in_a_value_is_printed_and_never_run(loyalty):
    payload = render(loyalty, regular() | {"first_name": "{{7*7}}"}, SITE)

    assert "{{7*7}}, your reward" in payload.subject
    assert "{{7*7}}" in payload.html and "49" not in payload.subject


def test_joined_emoji_survive(loyalty):
    assert "👩‍👩‍👧" in render(loyalty, regular() | {"first_name": "👩‍👩‍👧"}, SITE).subject


@pytest.mark.parametrize("empty", [None, "", " ", "\x00"])
def test_what_is_missing_gets_its_fallback(loyalty, empty):
    assert render(loyalty, regular() | {"first_name": empty}, SITE).subject.startswith("Dear customer,")


def test_a_value_missing_without_a_fallback_is_an_error_that_names_it(write):
    compiled = compile_campaign(write(campaign=CAMPAIGN.replace(", fallback: there", "")))

    with pytest.raises(RenderError, match="first_name has no value"):
        render(compiled, person(first_name=None), SITE)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"orders_count": "many"}, "declared as number"),
        ({"recommendations": "text"}, "declared as list"),
        ({"slots": {"hero": "hero_missed", "local": "city_anywhere"}}, "decision for slot hero"),
        ({"slots": None}, "decision for slot hero"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "not one plain address"),
        ({"email": None}, "email is missing"),
        ({"message_id": "a\nb"}, "message_id must be"),
    ],
)
def test_a_record_that_cannot_be_rendered_says_why(loyalty, wrong, says):
    with pytest.raises(RenderError, match=says):
        render(loyalty, regular() | wrong, SITE)


def test_one_bad_record_does_not_stop_the_others(loyalty):
    records = [regular() | {"message_id": f"m{n}", "email": "bad" if n == 1 else "a@b.example"} for n in range(3)]
    made = list(Renderer(loyalty, SITE).render(pa.RecordBatch.from_pylist(records)))

    assert [each.message_id for each in made] == ["m0", "m1", "m2"]
    assert [isinstance(each, RenderError) for each in made] == [False, True, False]


def test_an_error_does_not_repeat_the_person_s_values(loyalty):
    with pytest.raises(RenderError) as caught:
        render(loyalty, regular() | {"email": "maria secret", "total_spent_amount": "secret"}, SITE)

    assert "secret" not in str(caught.value)


def test_a_template_sees_only_what_its_campaign_declares(write):
    compiled = compile_campaign(write(campaign=CAMPAIGN.replace("{{ first_name }}", "{{ email }}")))

    with pytest.raises(RenderError, match="'email' is undefined"):
        render(compiled, person(), SITE)


def test_a_variant_brings_its_own_subject(write):
    variants = 'variants: [{name: a, weight: 1}, {name: b, weight: 1, subject: "Other"}]\nsubject:'
    compiled = compile_campaign(write(campaign=CAMPAIGN.replace("subject:", variants)))

    subjects = [render(compiled, person(variant=variant), SITE).subject for variant in ("a", "b")]

    assert subjects == ["Hello Maria", "Other"]
    with pytest.raises(RenderError, match="not a variant"):
        render(compiled, person(variant="c"), SITE)


def test_one_click_unsubscribe_names_the_message_and_nobody(loyalty):
    headers = dict(render(loyalty, regular(), SITE).headers)

    address = headers["List-Unsubscribe"]
    assert address.startswith("<https://mail.example.com/unsubscribe/") and address.endswith(">")
    token = address.strip("<>").rpartition("/")[2]
    assert verify(SITE.secret, UNSUBSCRIBE, token).message_id == "a1b2c3"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["X-Sincerely-Message-Id"] == "a1b2c3"
    assert "maria" not in str(headers).lower()


def test_the_file_of_a_message_is_the_same_bytes_each_time(loyalty):
    first, second = (to_eml(render(loyalty, regular(), SITE), SENT_AT) for _ in range(2))

    assert first == second
    assert b"\r\n" in first and b"\n" not in first.replace(b"\r\n", b"")


@pytest.mark.parametrize("name", ["Maria", "Märia 😀", "x" * 300, "ä" * 300, "word " * 60])
def test_the_file_of_a_message_reads_back_as_it_was(loyalty, name):
    payload = render(loyalty, regular(message_id="f" * 64) | {"first_name": name}, SITE)

    raw = to_eml(payload, SENT_AT)

    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["Subject"] == payload.subject
    assert parsed["Message-ID"] == f"<{'f' * 64}@market.example.com>"
    assert parsed["List-Unsubscribe"] == dict(payload.headers)["List-Unsubscribe"]
    assert parsed["Date"].datetime == SENT_AT
    text, html = (part.get_content().replace("\r\n", "\n") for part in parsed.iter_parts())
    assert (text.rstrip(), html.rstrip()) == (payload.text.rstrip(), payload.html.rstrip())
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_time_without_a_zone_is_refused(loyalty):
    with pytest.raises(ValueError, match="time zone"):
        to_eml(render(loyalty, regular(), SITE), datetime(2018, 1, 1))


@given(
    st.decimals(-10, 2_000_000_000, allow_nan=False, places=3),
    st.sampled_from(["USD", "EUR", "JPY", "CHF", "KWD"]),
    st.sampled_from(["en_US", "de_DE", "fr_FR", "es_ES", "hi_IN", "ar_EG", "de_CH", "pt_PT", "ja_JP"]),
)
def test_money_is_written_as_babel_writes_it(amount, currency, locale):
    assert money(amount, currency, locale) == format_currency(amount, currency, locale=locale)


def test_catalogue_names_become_readable():
    assert readable("FRZN MEAT/MEAT DINNERS 12 OZ") == "Frozen meat, meat dinners 12 oz"
    assert readable("SOFT DRINKS 12/18&15PK CAN") == "Soft drinks 12/18 & 15pk can"
    assert readable("Fair Trade Coffee") == "Fair Trade Coffee"


def test_lists_are_joined_as_people_write_them():
    assert [listed(items, "en_US") for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b, and c",
    ]


class Noting(dict):
    """A record that knows which of its fields were asked for."""

    def __init__(self, fields) -> None:
        super().__init__(fields)
        self.asked: set[str] = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("folder", sorted(file.parent for file in CAMPAIGNS.glob("*/campaign.yml")))
def test_a_message_reads_no_field_that_its_campaign_or_we_do_not_declare(folder) -> None:
    campaign = load_campaign(folder)
    for sample in samples(campaign):
        record = Noting(sample)
        render(compile_campaign(campaign), record, SITE)
        assert record.asked == {*MESSAGE_FIELDS, *WRITING_FIELDS, *campaign.tokens, "slots"}


def test_a_sender_who_reads_mail_for_it_is_left_by_mail_too(write):
    sender = "email: hello@shop.example.com, unsubscribe_email: leave+us@shop.example.com}"
    campaign = write(campaign=CAMPAIGN.replace("email: hello@shop.example.com}", sender))
    header = dict(render(compile_campaign(campaign), person(), SITE).headers)["List-Unsubscribe"]

    by_post, by_mail = header.split(", ")
    token = by_post.strip("<>").rpartition("/")[2]
    assert by_mail == f"<mailto:leave+us@shop.example.com?subject=unsubscribe%20{token}>"
    assert verify(SITE.secret, UNSUBSCRIBE, token).message_id == "a1b2c3"


def test_the_footer_has_a_link_that_no_person_sees_and_no_text_names(loyalty):
    payload = render(loyalty, regular(), SITE)

    hidden = re.findall(r'<a\b[^>]*href="https://mail\.example\.com/~/a1b2c3\.[^"]*"[^>]*>', payload.html)
    assert len(hidden) == 1
    assert 'aria-hidden="true"' in hidden[0] and 'tabindex="-1"' in hidden[0]
    assert "display:none" in hidden[0].replace(" ", "")
    assert "/~/" not in payload.text

"""Values as each reader's language writes them, and tokens that mean the same in every campaign."""

from __future__ import annotations

import pyarrow as pa
import pytest

from rendering.batches import Renderer
from rendering.links import Site
from rendering.payload import render
from rendering.templates import compile_campaign
from tests.rendering.conftest import CAMPAIGN, MESSAGE, person

SITE = Site("https://mail.example.com", b"sixteen bytes or more")
DERIVED = """\
  first_name: {type: text, fallback: there}
  location: {type: text, fallback: your town}
  recent_purchase: {type: text, fallback: something good}
  recommendation_name_1: {type: text, fallback: a surprise}
  recommendation_name_2: {type: text, fallback: another}
"""


def small(write, says: str, tokens: str = "", campaign: str = CAMPAIGN):
    """The small campaign with one more line of text, compiled."""
    text = campaign.replace("  first_name: {type: text, fallback: there}\n", tokens) if tokens else campaign
    return compile_campaign(write(campaign=text, message=MESSAGE.replace("Dear {{ first_name }},", says)))


def both_ways(compiled, record) -> str:
    """The text of the message, which is the same from a record and from a batch."""
    (rendered,) = Renderer(compiled, SITE).render(pa.RecordBatch.from_pylist([record]))
    assert rendered == render(compiled, record, SITE)
    return rendered.text


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"city": "Köln", "region": "NRW", "country": "DE"}, "in Köln"),
        ({"city": None, "region": "Bavaria", "country": "DE"}, "in Bavaria"),
        ({"city": None, "region": None, "country": "DE", "language": "en"}, "in Germany"),
        ({"city": None, "region": None, "country": "DE", "language": "de"}, "in Deutschland"),
        ({"city": None, "region": None, "country": "<b>"}, "in your town"),
        ({}, "in your town"),
    ],
)
def test_a_location_is_the_city_else_the_region_else_the_country(write, values, says):
    compiled = small(write, "in {{ location }}", DERIVED)

    assert says in both_ways(compiled, person(**values))


def test_the_last_purchase_and_what_is_recommended_have_names_that_people_read(write):
    compiled = small(write, "{{ recent_purchase }}, {{ recommendation_name_1 }}, {{ recommendation_name_2 }}", DERIVED)
    products = [{"name": "FRZN MEAT/DINNERS", "product_id": "1"}]

    got = both_ways(compiled, person(recent_product_name="COFFEE BEANS", recommendations=products))
    nothing = both_ways(compiled, person())

    assert "Coffee beans, Frozen meat, dinners, another" in got
    assert "something good, a surprise, another" in nothing


@pytest.mark.parametrize(
    ("language", "count", "says"),
    [
        ("en", 1, "1 order"),
        ("en", 2, "2 orders"),
        ("pl", 3, "3 zamówienia"),
        ("pl", 5, "5 zamówień"),
        ("pl", 22, "22 zamówienia"),
        ("de", 1234567, "1.234.567 orders"),
    ],
)
def test_a_number_takes_the_form_that_its_language_gives_it(write, language, count, says):
    forms = "one='# order', few='# zamówienia', many='# zamówień', other='# orders'"
    tokens = "  first_name: {type: text, fallback: there}\n  n: {type: number, fallback: 0}\n"
    compiled = small(write, f"{{{{ n | plural({forms}) }}}}", tokens)

    assert says in both_ways(compiled, person(n=count, language=language))


@pytest.mark.parametrize(
    ("language", "says"), [("en", "tea, coffee, and jam"), ("de", "tea, coffee und jam"), ("es", "tea, coffee y jam")]
)
def test_a_list_is_joined_as_its_language_does(write, language, says):
    tokens = "  first_name: {type: text, fallback: there}\n  topics: {type: list, fallback: []}\n"
    compiled = small(write, "{{ topics | list_join }}", tokens)

    assert says in both_ways(compiled, person(topics=["tea", "coffee", "jam"], language=language))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("MARIA", "Maria"),
        ("jean-luc", "Jean-Luc"),
        ("o'brien", "O'Brien"),
        ("LUDWIG VAN BEETHOVEN", "Ludwig van Beethoven"),
        ("McDonald", "McDonald"),
        ("JR", "JR"),
    ],
)
def test_a_name_in_one_case_is_written_as_people_write_theirs(write, given, shown):
    assert f"Dear {shown}" in both_ways(small(write, "Dear {{ first_name | name }}"), person(first_name=given))


def test_a_campaign_in_arabic_runs_from_the_right(write):
    compiled = small(write, "Dear {{ first_name }}", campaign=CAMPAIGN + "language: ar\n")

    html = render(compiled, person(), SITE).html

    assert '<html lang="ar" dir="rtl"' in html
    assert "text-align:left" not in html and 'align="left"' not in html
    assert 'align="right"' in html


def test_a_campaign_in_english_says_so(write):
    html = render(small(write, "Dear {{ first_name }}"), person(), SITE).html

    assert 'dir="ltr"' in html and 'dir="auto"' not in html


def test_the_language_of_the_campaign_decides_how_its_values_are_written(write):
    tokens = "  first_name: {type: text, fallback: there}\n  n: {type: money, fallback: 0}\n"
    german = CAMPAIGN + "language: de\n"
    compiled = small(write, "{{ n | money('EUR') }}", tokens, german)

    assert "1.234,50\xa0€" in both_ways(compiled, person(n=1234.5, language="en"))

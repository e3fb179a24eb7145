"""Sections that look the same share a frame, whatever conditions stand between them."""

from __future__ import annotations

import pytest

from rendering.payload import render
from rendering.templates import compile_campaign
from tests.rendering.conftest import MESSAGE, person
from tests.rendering.test_templates import Nesting

_SECTION = '<mj-section css-class="card" {more}><mj-column><mj-text>{words}</mj-text></mj-column></mj-section>'
_FRAME = '<div class="card"'


def section(words: str, more: str = 'background-color="#ffffff"') -> str:
    return _SECTION.format(words=words, more=more)


def page(write, site, *sections: str, gifts: int = 0, style: str = "") -> str:
    """What a person gets of a message with these sections before its own."""
    message = MESSAGE.replace('<mj-body background-color="#ffffff">', f"<mj-body>{''.join(sections)}")
    message = message.replace("<mj-style>", f"<mj-style>{style}")
    given = person(gifts=[{"name": "tea"}] * gifts)
    html = render(compile_campaign(write(message=message)), given, site).html
    nesting = Nesting()
    nesting.feed(html)
    assert nesting.opened == []
    return html


def test_neighbours_that_look_the_same_are_rows_of_one_table(write, site):
    html = page(write, site, section("one"), section("two"), section("three"))

    assert html.count(_FRAME) == 1
    assert html.index("one") < html.index("two") < html.index("three")


@pytest.mark.parametrize("gifts", [0, 1, 3])
def test_conditions_and_loops_inside_stay_where_they_are(write, site, gifts):
    html = page(
        write,
        site,
        section("first"),
        "{% set a = 1 %}{% if gifts %}",
        section("thanks"),
        "{% else %}",
        section("nothing yet"),
        "{% endif %}{% for gift in gifts %}",
        section("a {{ gift.name }}"),
        "{% endfor %}",
        section("last"),
        gifts=gifts,
    )

    assert html.count(_FRAME) == 1
    assert html.count("a tea") == gifts
    assert ("thanks" in html, "nothing yet" in html) == (gifts > 0, gifts == 0)


@pytest.mark.parametrize("gifts", [0, 1])
@pytest.mark.parametrize("other", ["thanks", "nothing yet", "last"])
def test_one_that_looks_otherwise_keeps_a_frame_of_its_own(write, site, gifts, other):
    def drawn(words: str) -> str:
        return section(words, 'background-color="#eeeeee"' if words == other else 'background-color="#ffffff"')

    html = page(
        write,
        site,
        drawn("first"),
        "{% if gifts %}",
        drawn("thanks"),
        "{% else %}",
        drawn("nothing yet"),
        "{% endif %}",
        drawn("last"),
        gifts=gifts,
    )

    shown = ["first", "thanks" if gifts else "nothing yet", "last"]
    assert [words for words in ("first", "thanks", "nothing yet", "last") if words in html] == shown
    assert html.count("background-color:#eeeeee") == (other in shown)
    assert html.count(_FRAME) >= 1 + (other in shown)


@pytest.mark.parametrize(
    ("more", "style"),
    [
        ('background-color="#ffffff" border-radius="8px"', ""),
        ('background-color="#ffffff" border="1px solid #cccccc"', ""),
        ('background-color="#ffffff"', "@media (max-width: 479px) { .card { margin-bottom: 8px !important; } }"),
    ],
)
def test_what_is_drawn_around_each_section_is_drawn_around_each(write, site, more, style):
    assert page(write, site, section("one", more), section("two", more), style=style).count(_FRAME) == 2


def test_colours_of_the_dark_are_no_reason_to_stay_apart(write, site):
    dark = "@media (prefers-color-scheme: dark) { .card, .card > table { background-color: #000000 !important; } }"

    assert page(write, site, section("one"), section("two"), style=dark).count(_FRAME) == 1


def test_a_section_inside_a_wrapper_stays_whole(write, site):
    wrapped = f'<mj-wrapper background-color="#ffffff">{section("in one")}{section("in two")}</mj-wrapper>'

    html = page(write, site, section("one"), wrapped, section("two"))

    assert [html.count(words) for words in ("in one", "in two", ">one<", ">two<")] == [1, 1, 1, 1]

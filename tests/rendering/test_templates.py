from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from rendering.campaign import load_campaigns
from rendering.errors import TemplateError
from rendering.payload import render
from rendering.samples import samples
from rendering.templates import compile_campaign
from tests.rendering.conftest import MESSAGE, person

_TABLE_PARENTS = {"table": {"tbody", "thead"}, "tbody": {"tr"}, "tr": {"td", "th"}}
_VOID = {"meta", "br", "img", "link", "hr", "input", "col"}


class Nesting(HTMLParser):
    """Complains where a browser would move an element or text out of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag, attrs):
        parent = self.opened[-1] if self.opened else ""
        assert tag in _TABLE_PARENTS.get(parent, {tag}), f"<{tag}> in <{parent}>"
        if tag not in _VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        assert not data.strip() or self.opened[-1] not in _TABLE_PARENTS, data


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_every_block_of_a_shipped_campaign_renders_as_well_nested_html(campaign, site):
    compiled = compile_campaign(campaign)

    for record in samples(campaign):
        payload = render(compiled, record, site)
        nesting = Nesting()
        nesting.feed(payload.html)
        assert nesting.opened == []
        assert not re.search(r"jinja-\d|\{\{|\{%|None", payload.html + payload.text + payload.subject)


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_nothing_is_fetched_to_show_a_message(campaign):
    html = compile_campaign(campaign).html_source

    assert not re.search(r"@import|<link|<script|fonts\.g|url\(", html)


def test_the_phone_and_dark_mode_styles_survive_inlining():
    html = compile_campaign(load_campaigns()[0]).html_source

    assert "prefers-color-scheme: dark" in html
    assert "@media only screen and (min-width:480px)" in html


def test_a_slot_shows_the_block_that_was_decided(write, site):
    compiled = compile_campaign(write())

    near, far = (render(compiled, person(slots={"hero": block}), site) for block in ("near", "far"))

    assert "Around the corner" in near.html and "By post" not in near.html
    assert "By post" in far.text and "Around the corner" not in far.text


def test_the_text_part_follows_the_html_and_spells_out_links(write, site):
    payload = render(compile_campaign(write()), person(gifts=[{"name": "tea"}, {"name": "jam"}]), site)

    assert "Dear Maria, take tea take jam" in payload.text
    assert "Go (https://shop.example.com/go?utm_source=s&utm_medium=email&utm_campaign=small&m=a1b2c3." in payload.text


def test_a_text_template_replaces_the_derived_text(write, site):
    campaign = write(text="Hi {{ first_name }} {{ unsubscribe_url }} {{ postal_address }}")

    assert render(compile_campaign(campaign), person(), site).text.startswith("Hi Maria https://")


def test_the_campaign_s_own_block_comes_before_the_shared_one(write, site):
    campaign = write(
        message=MESSAGE.replace('{% slot "hero" %}', '{% include "footer" %}'),
        footer="<mj-text>Our own</mj-text>",
    )

    assert "Our own" in render(compile_campaign(campaign), person(), site).html


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("{{ first_name }}", "{{ first_name", 3, "never closed"),
        ("{% endfor %}", "", 5, "expected"),
        ('{% slot "hero" %}', '{% slot "heroe" %}', 2, "Did you mean hero?"),
        ('{% slot "hero" %}', '{% include "footr" %}', 2, "Did you mean footer?"),
        ('{% slot "hero" %}', "{% include x %}", 2, "in quotes"),
        ('{% slot "hero" %}', "{% autoescape false %}{% endautoescape %}", 2, "may not be used"),
        ('{% slot "hero" %}', "{% raw %}{% endraw %}", 2, "may not be used"),
        ("</mj-button>", "</mj-buton>", 4, "not an element"),
        ("</mj-button>", "", 6, "</mj-button> is expected"),
        ("<mjml>", "<mjml>{% set a = 1 %}", 1, "may not stand in <mjml>"),
    ],
)
def test_a_template_error_names_the_file_and_line(write, was, becomes, line, says):
    with pytest.raises(TemplateError, match=re.escape(says)) as caught:
        compile_campaign(write(message=MESSAGE.replace(was, becomes)))

    assert (caught.value.file.name, caught.value.line) == ("message.mjml.j2", line)


def test_an_error_in_a_block_points_into_the_block(write):
    with pytest.raises(TemplateError) as caught:
        compile_campaign(write(near="{# tokens: #}\n<mj-text>\n{{ first_name | }}</mj-text>"))

    assert (caught.value.file.name, caught.value.line) == ("near.mjml.j2", 3)


def test_a_block_that_includes_itself_is_refused(write):
    with pytest.raises(TemplateError, match="includes itself"):
        compile_campaign(write(near='{% include "near" %}'))


@pytest.mark.parametrize("source", ["{{ first_name | safe }}", "{{ first_name | nonsense }}"])
def test_a_filter_that_is_not_ours_is_refused(write, source):
    with pytest.raises(TemplateError, match="No filter named"):
        compile_campaign(write(message=MESSAGE.replace("{{ first_name }}", source)))

"""What is worked out while a template is compiled is what it would have been for each person."""

from __future__ import annotations

import pytest
from jinja2 import Environment, StrictUndefined

from rendering.compilation import compile_source
from rendering.filling import Filling, Values, Writing, fill
from rendering.payload import render
from rendering.sandbox import environment
from rendering.templates import compile_campaign
from tests.rendering.conftest import MESSAGE, person

SOURCES = [
    "{% set a = 'x' %}{{ a }}{% set a = a ~ first_name %}{{ a }}",
    "{% set a = 1 %}{% if first_name %}{% set a = 2 %}{% endif %}{{ a }}",
    "{% set a = 1 %}{% if first_name %}{{ a }}{% set a = 2 %}{{ a }}{% else %}{% set a = 3 %}{% endif %}{{ a }}",
    "{% set a = 1 %}{% if missing_name %}y{% elif first_name %}{% set a = 5 %}{{ a }}{% endif %}{{ a }}",
    "{% set a = 'o' %}{% for gift in gifts %}{{ a }}{% set a = gift %}{{ a }}{% endfor %}{{ a }}",
    "{% for a in gifts %}{{ a }}{{ loop.index }}{% else %}none{% endfor %}",
    "{% set gift = 'z' %}{% for gift in gifts %}{{ gift }}{% endfor %}{{ gift }}",
    "{% set b = 2 %}{% set a = b * 3 %}{{ a + b }}{{ a // b }}{{ a % b }}",
    "{% set x = none %}{{ x or 'nothing' }}{% set y = true %}{% if y %}yes{% endif %}",
    "{% set a = 'm' | upper %}{{ a }}{{ a | lower }}{{ a ~ 1 ~ 2.5 }}",
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["Ann", ""])
def test_a_folded_template_says_what_jinja_says(write, source, name):
    values = {"first_name": name, "gifts": ["tea", "jam"], "missing_name": None}
    expected = Environment(undefined=StrictUndefined).from_string(source).render(values)
    campaign = write()
    template = compile_source(environment(campaign, autoescape=False), campaign, source)

    assert fill(template, Filling(template.environment, Values(values), Writing("en_US", "USD", None))) == expected


def test_the_same_card_twice_reads_for_each_record(write, site):
    block = "{# tokens: gift #}\n<b>{{ gift.name }}</b>{% if gift.reason %}, {{ gift.reason }}{% endif %};"
    message = MESSAGE.replace("take {{ gift.name }}", '{% include "present" %}')
    gifts = [{"name": "tea", "reason": "why"}, {"name": "tea", "reason": None}, {"name": "<jam>", "reason": "&"}]

    payload = render(compile_campaign(write(message=message, present=block)), person(gifts=gifts), site)

    assert "<b>tea</b>, why;" in payload.html and "<b>tea</b>;" in payload.html
    assert "<b>&lt;jam&gt;</b>, &amp;;" in payload.html
    assert "tea, why; tea; <jam>, &;" in " ".join(payload.text.split())


def test_a_card_without_a_field_that_it_needs_is_an_error(write, site):
    message = MESSAGE.replace("take {{ gift.name }}", '{% include "present" %}')
    compiled = compile_campaign(write(message=message, present="{# tokens: gift #}\n<b>{{ gift.nmae }}</b>"))

    with pytest.raises(Exception, match="has no attribute 'nmae'"):
        render(compiled, person(gifts=[{"name": "tea"}]), site)

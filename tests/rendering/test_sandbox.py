"""A template cannot leave its sandbox: each published way out is tried, and so is what would take the machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering import filling
from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.errors import RenderingError
from rendering.links import Site
from rendering.lint import lint
from rendering.payload import Payload, render
from rendering.templates import compile_campaign
from tests.rendering.conftest import CAMPAIGN, MESSAGE, person, regular
from tests.rendering.test_lint import COLUMNS
from tests.rendering.test_payload import HOSTILE, shape

SITE = Site("https://mail.example.com", b"sixteen bytes or more")
SECRET = "only the environment knows"
# How Jinja's and other sandboxes were left, from advisories and from lists of template injections.
ESCAPES = {
    "classes of a text": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "classes by item": "{{ ''['__class__'] }}",
    "classes by item of a list": "{{ gifts['__class__'] }}",
    "a method of a text": "{{ first_name.upper() }}",
    "format reads attributes (CVE-2016-10745)": "{{ '{0.__class__.__init__.__globals__}'.format(first_name) }}",
    "format_map (CVE-2019-10906)": "{{ '{x.__class__}'.format_map({'x': first_name}) }}",
    "a stored format (CVE-2024-56326)": "{% set f = ''.format %}{{ f }}",
    "format through attr (CVE-2025-27516)": "{{ ('{0.__class__}' | attr('format'))(first_name) }}",
    "the filter attr": "{{ first_name | attr('__class__') }}",
    "the filter map": "{{ gifts | map(attribute='__class__') | list }}",
    "the filter format": "{{ '%s' | format(first_name) }}",
    "the filter xmlattr (CVE-2024-22195)": "{{ {'onload=alert(1) x': 1} | xmlattr }}",
    "the filter tojson": "{{ first_name | tojson }}",
    "the filter safe": "{{ first_name | safe }}",
    "% as format": "{{ '%(x)s' % {'x': first_name} }}",
    "cycler": "{{ cycler.__init__.__globals__.os.environ }}",
    "joiner": "{{ joiner.__init__.__globals__ }}",
    "lipsum": "{{ lipsum.__globals__['os'].environ }}",
    "namespace": "{% set ns = namespace(x=1) %}{{ ns.x }}",
    "range": "{{ range(10) }}",
    "dict": "{{ dict(a=1) }}",
    "self": "{{ self.__init__.__globals__ }}",
    "self._TemplateReference__context": "{{ self._TemplateReference__context }}",
    "the context": "{{ context.environment }}",
    "the environment": "{{ environment.filters }}",
    "the request of web frameworks": "{{ request.application.__globals__ }}",
    "config of web frameworks": "{{ config.items() }}",
    "the loop's frame": "{% for g in gifts %}{{ loop.__class__ }}{% endfor %}",
    "the loop's context": "{% for g in gifts %}{{ loop._iterable.gi_frame }}{% endfor %}",
    "the loop as a function": "{% for g in gifts recursive %}{{ loop(gifts) }}{% endfor %}",
    "a generator's frame": "{{ (gifts | batch(1)).gi_frame.f_globals }}",
    "a generator's code": "{{ (gifts | batch(1)).gi_code }}",
    "a coroutine's frame": "{{ first_name.cr_frame }}",
    "an async generator's frame": "{{ first_name.ag_frame }}",
    "a traceback's frame": "{{ first_name.tb_frame }}",
    "a function's globals": "{{ first_name.func_globals }}",
    "include of a file": "{% include '/etc/passwd' %}",
    "include above": "{% include '../../../pyproject' %}",
    "include by a value": "{% include first_name %}",
    "import": "{% import 'os' as os %}{{ os }}",
    "from import": "{% from 'os' import environ %}{{ environ }}",
    "extends": "{% extends 'base' %}",
    "a macro": "{% macro m() %}x{% endmacro %}{{ m() }}",
    "call": "{% call first_name() %}{% endcall %}",
    "the filter block": "{% filter upper %}x{% endfilter %}",
    "autoescape off": "{% autoescape false %}{{ first_name }}{% endautoescape %}",
    "do": "{% do gifts.append(1) %}",
    "raw": "{% raw %}{{ x }}{% endraw %}",
    "debug": "{% debug %}",
    "changing a list": "{{ gifts.append(1) }}",
    "what cards keep": "{% for g in gifts %}{{ g._made.clear() }}{% endfor %}",
    "another message's value": "{{ email }}",
    "the address in a loop": "{% for g in gifts %}{{ to_email }}{% endfor %}",
    "the secret of links": "{{ site.secret }}",
}


@pytest.mark.parametrize("source", ESCAPES.values(), ids=ESCAPES.keys())
def test_a_way_out_of_the_sandbox_is_shut(write, monkeypatch, source):
    monkeypatch.setitem(os.environ, "SINCERELY_TEST_SECRET", SECRET)
    message = MESSAGE.replace("Dear", source)

    with pytest.raises(RenderingError):
        campaign = write(message=message)
        found = render(compile_campaign(campaign), person(gifts=[{"name": "tea"}]), SITE)
        assert SECRET not in found.html  # not reached: a way that is open fails here without showing it
    errors = [each for each in lint(write(message=message), COLUMNS, set()) if each.severity == "error"]
    assert errors, "lint lets it through"


@pytest.mark.parametrize("part", ["subject", "preheader"])
def test_the_lines_of_a_campaign_are_in_the_sandbox_too(write, part):
    campaign = CAMPAIGN.replace('"Hello {{ first_name }}"', '"{{ first_name.upper() }}"')
    if part == "preheader":
        campaign = CAMPAIGN.replace('"For you"', '"{{ first_name.__class__ }}"')

    with pytest.raises(RenderingError):
        render(compile_campaign(write(campaign=campaign)), person(), SITE)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ 'x' * 1000000000 }}", "works on numbers only"),
        ("{{ 9 ** 9 ** 9 }}", "works on numbers only"),
        ("{{ [1] * 1000000000 }}", "works on numbers only"),
        ("{{ '%1000000000d' % 1 }}", "works on numbers only"),
        ("{{ gifts | batch(0) }}", "does not fit"),
        ("{% set a = 'x' * 9 %}", "works on numbers only"),
        (
            "{% for a in gifts %}{% for b in gifts %}{% for c in gifts %}{% for d in gifts %}x{% endfor %}{% endfor %}"
            "{% endfor %}{% endfor %}",
            "its loops go round more than 10,000 times",
        ),
        ("{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}", "a text has more than 100,000"),
        (
            "{% for a in gifts %}{% for b in gifts %}" + "long " * 500 + "{% endfor %}{% endfor %}",
            "has more than 1,000,000 characters",
        ),
    ],
)
def test_what_would_take_the_machine_is_stopped(write, source, says):
    with pytest.raises(RenderingError, match=says):
        compiled = compile_campaign(write(message=MESSAGE.replace("Dear", source)))
        render(compiled, person(gifts=[{"name": "tea"}] * 50), SITE)


def test_a_list_of_any_length_is_cut(write):
    compiled = compile_campaign(write())

    text = render(compiled, person(gifts=[{"name": "tea"}] * 100_000), SITE).text

    assert text.count("take tea") == 100


def test_a_message_that_takes_too_long_is_stopped(write, monkeypatch):
    monkeypatch.setattr(filling, "MAX_SECONDS", -1.0)

    with pytest.raises(RenderingError, match="seconds; simplify its loops"):
        render(compile_campaign(write()), person(gifts=[{"name": "tea"}]), SITE)


def test_no_limit_is_in_the_way_of_arithmetic(write):
    source = "{{ 3 * 4 + 1 }} {{ 17 % 5 }} {{ (7 / 2) | round }} {{ 7 // 2 }}"

    assert "13 2 4.0 3" in render(compile_campaign(write(message=MESSAGE.replace("Dear", source))), person(), SITE).text


@pytest.fixture(scope="module")
def loyalty():
    return compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))


def from_batch(compiled, record: dict) -> Payload:
    (made,) = Renderer(compiled, SITE).render(pa.RecordBatch.from_pylist([record]))
    assert isinstance(made, Payload), made
    return made


def check(compiled, value: str) -> None:
    """A hostile value in every place that a person or a product fills, by the way that planning goes."""
    product = {"product_id": value, "name": value, "category": value, "price": Decimal(1), "currency": "USD"}
    product |= {"url": value, "image_url": value, "reason": value, "rank": 1}
    plain = {name: "plain" if isinstance(each, str) else each for name, each in product.items()}
    plain |= {"currency": "USD", "image_url": value}
    texts = ("first_name", "city", "viewed_category", "favourite_category")
    hostile = from_batch(compiled, regular() | dict.fromkeys(texts, value) | {"recommendations": [product] * 6})
    tame = from_batch(compiled, regular() | dict.fromkeys(texts, "plain") | {"recommendations": [plain] * 6})

    assert shape(hostile.html) == shape(tame.html)
    assert "javascript:" not in "".join(part.partition('"')[0].lower() for part in hostile.html.split('href="')[1:])
    lines = [hostile.subject, *(text for header in hostile.headers for text in header)]
    assert not any(mark in line for line in lines for mark in "\r\n\x00\u2028\x02\x03")
    assert not any(mark in hostile.html + hostile.text for mark in "\x00\x02\x03\u202e\u2066")
    assert hostile.html.count("&amp;m=a1b2c3.") == tame.html.count("&amp;m=a1b2c3.")


@pytest.mark.parametrize(
    "value",
    [
        *(each for each in HOSTILE if "\ud800" not in each),  # Arrow itself refuses half a pair
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://x.example.com",
        "data:text/html,<script>alert(1)</script>",
        "\x02\x03\x02",
        "https://x.example.com/\x02?m=\x02",
        "' onmouseover='alert(1)",
        "</style><script>",
        "a\x00b\x1f",
        "\u202e\u2066moc.elpmaxe",
    ],
)
def test_a_hostile_value_in_a_batch_never_becomes_markup_a_header_or_a_script(loyalty, value):
    check(loyalty, value)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_no_value_in_a_batch_ever_becomes_markup_a_header_or_a_script(loyalty, value):
    check(loyalty, value)


def test_a_template_reads_no_file_of_the_campaign_s_folder(write: Callable, tmp_path: Path):
    (tmp_path / "secret.mjml.j2").write_text("secret")

    with pytest.raises(RenderingError):
        compile_campaign(write(message=MESSAGE.replace('{% slot "hero" %}', f'{{% include "{tmp_path}/secret" %}}')))

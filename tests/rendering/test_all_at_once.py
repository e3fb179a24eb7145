"""Messages that are made all at once are the messages that each person alone would get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rendering.all_at_once import AllAtOnce
from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, Campaign, load_campaign, load_campaigns
from rendering.errors import RenderError
from rendering.links import Site
from rendering.payload import Payload, render
from rendering.reading import Reading
from rendering.samples import samples
from rendering.templates import Compiled, compile_campaign
from tests.bench.rendering import people
from tests.rendering.conftest import CAMPAIGN, MESSAGE, person, regular
from tests.rendering.test_batches import WRONG, batch

SITE = Site("https://mail.example.com", b"sixteen bytes or more")
_ROWS = 24
_CAMPAIGN = CAMPAIGN.replace(
    "  gifts:",
    "  city: {type: text, fallback: your town}\n  orders: {type: number, fallback: 0}\n"
    "  spent: {type: money}\n  since: {type: date, fallback: null}\n  gifts:",
)
_GIFT = "{# tokens: gift #}\n<a href=\"{{ (gift.url or '/gifts/' ~ gift.name) | link }}\">{{ gift.name }}</a> \
{% if gift.price %}{{ gift.price | money }}{% endif %} <i>{{ gift.reason }}</i>\n"
_VALUES = (
    *("first_name", "city", "orders", "spent | money", "since | date", "unsubscribe_url", "subject", "preheader"),
    *("first_name | name", "city | upper | trim", "first_name | truncate(5)", "city | initial", "orders | number"),
    *("'Dear ' ~ first_name ~ ' of ' ~ (city | readable)", "(spent | money) ~ '!'", "('/' ~ city) | link"),
    *("orders + 1", "orders % 3", "-orders", "orders | int", "orders | round", "spent / orders"),
    *("orders | plural(one='# order', other='# orders')", "spent | money('EUR')", "since | date('short')"),
    *("gifts | length", "gifts | total('price')", "(gifts | first).name", "gifts[0].name", "first_name | length"),
    *("city if orders > 2 else first_name", "first_name or city", "slots.hero", "variant", "first_name.title"),
    *("[first_name, city] | list_join", "city | lower | capitalize"),
)
_CONDITIONS = (
    *("city == 'New York'", "orders > 2", "gifts", "not gifts", "first_name is defined", "orders is number"),
    *("city is string", "since is none", "gifts | length > 1", "'a' in first_name", "first_name < city", "orders"),
    *("slots.hero == 'near' and orders", "(city | lower) == 'paris'", "gifts and gifts[0].price", "variant"),
)
_LOOPS = (
    '{% for gift in gifts %}{% include "gift" %}{% endfor %}',
    "{% for pair in gifts | batch(2) %}<p>{% for gift in pair %}{{ loop.index }} "
    '{% include "gift" %}{% endfor %}</p>{% endfor %}',
    "{% for gift in gifts %}{{ gift.name }} for {{ first_name }}, {% endfor %}",
    "{% for gift in gifts | sort(attribute='name') %}{{ gift.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
    '{% if gifts %}{% set gift = gifts[0] %}{% include "gift" %}{% endif %}',
)
# Quotes, backslashes, markup and what is cleaned away beside all else that a name may hold.
_LETTERS = st.one_of(st.sampled_from("\"\\'<>&/\t\n\x02\x04 aP"), st.characters(exclude_categories=["Cs"]))
_TEXT = st.text(_LETTERS, max_size=12)
_put_out = st.sampled_from(_VALUES).map(lambda value: f"{{{{ {value} }}}} ")
_set = st.sampled_from(_VALUES).map(lambda value: f"{{% set found = {value} %}}")
_statement = st.recursive(
    st.one_of(_put_out, _set, st.just("{{ found }}"), st.sampled_from(_LOOPS), st.just("<b>for all</b> ")),
    lambda inner: st.builds(
        "{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format,
        st.sampled_from(_CONDITIONS),
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, max_size=2).map("".join),
    ),
    max_leaves=6,
)
_gift = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("tea", 'the "best" tea', "<b>", "TEA/COFFEE")),
        "url": st.sampled_from((None, None, "https://shop.example.com/tea?a=1&b=2", "javascript:x")),
        "price": st.sampled_from((None, Decimal("1.50"), Decimal("12.00"))),
        "reason": st.one_of(st.none(), _TEXT),
    }
)
_person = st.fixed_dictionaries(
    {
        "first_name": st.one_of(st.none(), st.sampled_from(("Maria", "ÄNNE", "o'neil")), _TEXT),
        "city": st.sampled_from((None, "New York", "Paris", "  ", "FRZN MEAT/DINNERS")),
        "orders": st.sampled_from((None, 0, 1, 2, 3, 40)),
        "spent": st.sampled_from((Decimal("0.00"), Decimal("12.30"), Decimal("1234567.80"))),
        "since": st.sampled_from((None, datetime(2018, 1, 1, 3), datetime(2016, 2, 29))),
        "language": st.sampled_from((None, "en", "de")),
        "timezone": st.sampled_from((None, "America/New_York")),
        "slots": st.sampled_from(("near", "far")).map(lambda block: {"hero": block}),
        "gifts": st.lists(_gift, max_size=4),
    }
)


def alone(compiled: Compiled, record: dict[str, Any]) -> Payload | str:
    try:
        return render(compiled, record, SITE)
    except RenderError as error:
        return str(error)


def together(compiled: Compiled, records: list[dict[str, Any]], *, are_kept: bool) -> list[Payload | str]:
    made = Renderer(compiled, SITE, are_kept=are_kept, many=1).render(batch(records))
    return [str(each) if isinstance(each, RenderError) else as_shown(each) for each in made]


def as_shown(payload: Payload) -> Payload:
    """What is kept of a message, as a preview has it."""
    return payload if payload.data is None else payload._replace(**orjson.loads(bytes(payload.data)), data=None)


def made_at_once(compiled: Compiled, records: list[dict[str, Any]]) -> list[Payload | None]:
    reading = Reading(compiled, compiled.reads.__contains__)
    return AllAtOnce(compiled, SITE, reading, are_kept=False, few=1).made(batch(records))


@pytest.mark.parametrize("are_kept", [True, False])
@pytest.mark.parametrize("campaign", load_campaigns(CAMPAIGNS), ids=lambda campaign: campaign.name)
def test_a_shipped_campaign_made_at_once_is_what_each_would_get(campaign: Campaign, are_kept: bool) -> None:
    compiled = compile_campaign(campaign)
    of_variant = {record["variant"] for record in samples(campaign)}
    for variant in of_variant:
        own = compiled.of(variant)
        some = [record for record in samples(campaign) if record["variant"] == variant]
        records = [dict(some[row % len(some)], message_id=f"m{row}", person_id=f"p{row}") for row in range(_ROWS)]
        assert together(own, records, are_kept=are_kept) == [alone(own, record) for record in records]
        assert None not in made_at_once(own, records)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(_statement, min_size=1, max_size=6),
    some=st.lists(_person, min_size=1, max_size=8),
    kept=st.booleans(),
)
def test_whatever_a_template_says_all_at_once_is_what_each_would_get(
    write: Callable[..., Campaign], body: list[str], some: list[dict[str, Any]], kept: bool
) -> None:
    message = MESSAGE.replace("{% for gift in gifts %} take {{ gift.name }}{% endfor %}", "".join(body))
    compiled = compile_campaign(write(_CAMPAIGN, message, gift=_GIFT))
    records = [person(**some[row % len(some)]) | {"message_id": f"m{row}"} for row in range(_ROWS)]
    assert together(compiled, records, are_kept=kept) == [alone(compiled, record) for record in records]


LOYALTY = compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))
_PRODUCT = regular()["recommendations"][0]


@pytest.mark.parametrize(("wrong", "says"), WRONG)
def test_a_row_with_something_wrong_says_why_and_stops_no_other(wrong: dict[str, Any], says: str) -> None:
    records = [regular(message_id=f"m{row}") for row in range(_ROWS)]
    records[7] |= wrong
    found = together(LOYALTY, records, are_kept=True)
    assert says in str(found[7])
    assert found == [alone(LOYALTY, record) for record in records]
    assert [row for row, made in enumerate(made_at_once(LOYALTY, records)) if made is None] == [7]


@pytest.mark.parametrize("are_kept", [True, False])
def test_lists_of_every_length_come_with_their_own_products(are_kept: bool) -> None:
    records = [
        regular(message_id=f"m{row}")
        | {"recommendations": [dict(_PRODUCT, product_id=f"{row}-{n}", reason=f"because {n}") for n in range(row % 9)]}
        for row in range(60)
    ]
    records[5]["recommendations"] = [_PRODUCT] * 130
    assert together(LOYALTY, records, are_kept=are_kept) == [alone(LOYALTY, record) for record in records]
    assert None not in made_at_once(LOYALTY, records)


def test_products_with_more_links_than_others_and_without_a_reason_come_as_each_would_get_them(
    write: Callable[..., Campaign],
) -> None:
    loop = '{% for gift in gifts %}{% include "gift" %}{% endfor %}'
    gift = _GIFT.replace("<i>", "{% if gift.price %}<a href=\"{{ '/offers' | link }}\">Offers</a>{% endif %}<i>")
    message = MESSAGE.replace("{% for gift in gifts %} take {{ gift.name }}{% endfor %}", loop)
    compiled = compile_campaign(write(_CAMPAIGN, message, gift=gift))
    gifts = [
        {"name": "tea", "url": None, "price": price, "reason": reason}
        for price in (None, Decimal("1.50"))
        for reason in (None, "you <like> it")
    ]
    records = [
        person(message_id=f"m{row}", spent=Decimal("1.00"), gifts=[gifts[row % 4], gifts[row // 4 % 4]])
        for row in range(32)
    ]
    assert together(compiled, records, are_kept=True) == [alone(compiled, record) for record in records]
    assert None not in made_at_once(compiled, records)


@pytest.mark.parametrize("are_kept", [True, False])
def test_the_limits_of_a_message_hold_for_each(write: Callable[..., Campaign], are_kept: bool) -> None:
    loops = "{% for a in gifts %}{% for b in gifts %}x{% endfor %}{% endfor %}"
    message = MESSAGE.replace("Dear", f"{loops} {{{{ first_name }}}} {loops} Dear")
    compiled = compile_campaign(write(message=message))
    records = [person(message_id=f"m{row}", gifts=[{"name": "tea"}] * (40 + row)) for row in range(_ROWS)]
    found = together(compiled, records, are_kept=are_kept)
    assert "go round more than" in str(found[-1]) and isinstance(found[0], Payload)
    assert found == [alone(compiled, record) for record in records]


def test_a_filter_that_fails_for_a_value_fails_for_its_reader_alone(write: Callable[..., Campaign]) -> None:
    message = MESSAGE.replace("Dear {{ first_name }}", "Dear {{ first_name | int | round(orders) }}")
    compiled = compile_campaign(write(_CAMPAIGN, message))
    records = [person(message_id=f"m{row}", spent=Decimal("1.00"), orders=row % 3 + 0.5) for row in range(_ROWS)]
    assert together(compiled, records, are_kept=True) == [alone(compiled, record) for record in records]


def test_many_people_are_made_at_once_and_what_is_kept_of_them_is_what_each_would_get() -> None:
    records = list(people(0, 1_200))
    made = list(Renderer(LOYALTY, SITE, are_kept=True).render(batch(records)))
    assert [as_shown(each) for each in made if isinstance(each, Payload)] == [
        alone(LOYALTY, record) for record in records
    ]


def test_of_templates_with_a_shape_for_each_reader_the_message_is_the_same(write: Callable[..., Campaign]) -> None:
    loop = '{% for gift in gifts %}{% include "gift" %}{% endfor %}'
    message = MESSAGE.replace("{% for gift in gifts %} take {{ gift.name }}{% endfor %}", loop)
    compiled = compile_campaign(write(message=message, gift=_GIFT))
    gift = {"name": "tea", "url": None, "price": Decimal("1.50"), "reason": "because"}
    records = [person(message_id=f"m{row}", gifts=[gift] * min(row, 60)) for row in range(300)]
    made = list(Renderer(compiled, SITE, are_kept=True).render(batch(records)))
    assert [as_shown(each) for each in made if isinstance(each, Payload)] == [
        alone(compiled, record) for record in records
    ]


_ODD = {
    "numbers that are equal are not written alike": (
        "{% if orders < 5 %}[{{ orders }}]{% endif %}",
        {"orders": (None, Decimal("0.00"), Decimal("3.00"))},
    ),
    "nor where they are joined": (
        "{% if orders < 5 %}{{ first_name ~ orders }}{% endif %}{% if spent < 5 %}{{ first_name ~ spent }}{% endif %}",
        {"orders": (Decimal(1), Decimal(2)), "spent": (Decimal("1.00"), Decimal("2.00"))},
    ),
    "constants that are equal are not written alike": (
        "{{ first_name ~ 0.0 }}{{ first_name ~ -0.0 }}{{ first_name ~ 1 }}{{ first_name ~ true }}",
        {},
    ),
    "a name that is set after the loop that reads it": (
        "{% for gift in gifts %}{{ city }};{% endfor %}{% set city = 'x' %}",
        {"gifts": ([], [{"name": "tea"}])},
    ),
    "an element of a list": (
        "{{ gifts[0] is defined }}{% if gifts %}{{ gifts[0].name }}{% endif %}{{ gifts[orders] is defined }}",
        {"orders": (0, 1, 2), "gifts": ([], [{"name": "tea"}], [{"name": "tea"}] * 2)},
    ),
    "what looks like a mark": (
        "{{ '\\x0499\\x04' }}{% if orders < 5 %}{{ spent | money }}{% endif %}",
        {"orders": (1, 2), "currency": ("\x040\x04", "USD")},
    ),
    "a filter that only some are for": (
        "{% if city == 'x' %}{{ first_name ~ (1.5 | round(orders)) }}{% endif %}",
        {"city": ("x", "y"), "orders": (1, 10**6, 2)},
    ),
    "known values in a filter": (
        "{% if orders > 2 %}{{ first_name ~ orders }}{% endif %}"
        "{% for gift in gifts | sort(attribute='name') %}{{ first_name ~ gift.name }}{% endfor %}",
        {"orders": tuple(range(300)), "gifts": ([], [{"name": "tea"}, {"name": "coffee"}])},
    ),
}


@pytest.mark.parametrize(("body", "values"), _ODD.values(), ids=_ODD)
def test_what_is_odd_is_as_each_would_get_it(
    write: Callable[..., Campaign], body: str, values: dict[str, tuple[Any, ...]]
) -> None:
    message = MESSAGE.replace("{% for gift in gifts %} take {{ gift.name }}{% endfor %}", body)
    compiled = compile_campaign(write(_CAMPAIGN, message))
    some = {"spent": (Decimal("3.00"),), **values}
    records = [
        person(message_id=f"m{row}", **{name: of[row % len(of)] for name, of in some.items()}) for row in range(300)
    ]
    assert together(compiled, records, are_kept=True) == [alone(compiled, record) for record in records]


def test_a_batch_whose_list_is_empty_or_not_there_follows_one_that_has_it() -> None:
    renderer = Renderer(LOYALTY, SITE, are_kept=True, many=1)
    full = [regular(message_id=f"m{row}") for row in range(_ROWS)]
    empty = [{**record, "recommendations": []} for record in full]
    without = [{name: value for name, value in record.items() if name != "recommendations"} for record in full]
    for records in (full, empty, without, full):
        made = list(renderer.render(batch(records)))
        assert [as_shown(each) for each in made if isinstance(each, Payload)] == [
            alone(LOYALTY, record) for record in records
        ]


def test_a_part_that_says_nothing_stands_in_nobodys_way(write: Callable[..., Campaign]) -> None:
    compiled = compile_campaign(write(text=""))
    records = [person(message_id=f"m{row}") for row in range(_ROWS)]
    assert made_at_once(compiled, records) == [alone(compiled, record) for record in records]

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rendering.campaign import load_campaigns
from rendering.decisions import columns_used, slot_cases
from rendering.errors import PredicateError, RuleError
from tests.rendering.conftest import CAMPAIGN


def test_rules_become_one_case_that_ends_in_the_default(write):
    assert slot_cases(write()) == {"hero": "case when (city = 'New York') then 'near' else 'rest' end"}


def test_a_slot_with_only_a_default_is_that_default(write):
    only = CAMPAIGN.replace("""    - {rule: near, when: "city = 'New York'", block: near}\n""", "")

    assert slot_cases(write(campaign=only)) == {"hero": "'rest'"}


def test_the_demo_decides_by_city_by_stage_and_by_both_with_a_viewed_category():
    loyalty = next(campaign for campaign in load_campaigns() if campaign.name == "loyalty_reward")

    case = slot_cases(loyalty)["hero"]

    both = "lifecycle_stage = 'repeat_buyer' and city = 'New York' and viewed_category is not null"
    assert case.index(f"when ({both})") < case.index("when (lifecycle_stage = 'repeat_buyer')")
    assert "(city = 'New York')" in slot_cases(loyalty)["local"]


@pytest.mark.parametrize(
    ("predicate", "columns"),
    [
        ("city = 'New York'", {"city"}),
        ("p.city in ('a', 'it''s; select --') and orders_count > 2", {"city", "orders_count"}),
        (
            "coalesce(lower(city), '') like 'n%' or first_ordered_at >= date '2018-01-01'",
            {"city", "first_ordered_at"},
        ),
        ("case when churn_probability > 0.5 then true else false end", {"churn_probability"}),
        ("last_activity_at < signed_up_at + interval '30' day", {"last_activity_at", "signed_up_at"}),
    ],
)
def test_the_columns_of_a_predicate_are_known(predicate, columns):
    assert columns_used(predicate) == columns


@pytest.mark.parametrize(
    "predicate",
    [
        "true; drop table profiles",
        "true -- the rest",
        "true /* hidden */",
        "true # hidden",
        "exists (select 1)",
        "city in (SELECT city from x)",
        "read_csv('/etc/passwd') is null",
        "getenv('HOME') = 'x'",
        "copy",
        "pragma version",
        "attach 'x'",
        "now() > signed_up_at",
        "signed_up_at < current_date",
        "raw.contacts is null",
        "other.city = 'x'",
        "city = e'\\' or 1=1'",
        "city = 'a\\' or true'",
        'city = "x"',
        "$$x$$ = city",
        "(city = 'x'",
        "city = 'x')",
        "true) then 'near' when (true",
        "city = 'open",
        "",
    ],
)
def test_a_predicate_is_one_condition_and_nothing_else(predicate):
    with pytest.raises(PredicateError):
        columns_used(predicate)


@given(st.text(alphabet="abp.()';-/*$\\\" \n=1#", max_size=30))
@example("-''-")
def test_what_passes_closes_what_it_opens(predicate):
    try:
        columns_used(predicate)
    except PredicateError:
        return
    assert predicate.count("'") % 2 == 0
    # A text keeps what is before it apart from what is after it.
    outside = " ".join(predicate.split("'")[::2])
    assert not any(mark in outside for mark in (";", "--", "/*", "#", "$", '"'))
    assert outside.count("(") == outside.count(")")


def test_a_default_that_is_not_last_is_refused_with_its_line(write):
    turned = CAMPAIGN.replace("{rule: near, when: \"city = 'New York'\", block: near}", "{rule: near, block: near}")

    with pytest.raises(RuleError, match="must come last") as caught:
        slot_cases(write(campaign=turned))

    assert caught.value.line == 16


def test_a_slot_without_a_default_is_refused(write):
    ruled = CAMPAIGN.replace("{rule: rest,", "{rule: rest, when: 'true',")

    with pytest.raises(RuleError, match="add a default"):
        slot_cases(write(campaign=ruled))

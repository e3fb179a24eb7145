"""What is said to follow, follows: DuckDB finds nobody who would be an exception."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering.implication import contradicts_itself, implies

_PEOPLE = """
create table people as
select city, stage, orders
from (values ('a'), ('b'), ('c'), (null)) as cities (city), (values ('x'), ('y'), (null)) as stages (stage),
    (values (0), (1), (2), (3), (null)) as counts (orders)
"""
_PARTS = [
    "city = 'a'", "city = 'b'", "city in ('a', 'b')", "city IN ('b','c')", "city is not null", "city is null",
    "stage = 'x'", "stage is not null", "orders > 1", "orders >= 1", "orders>=2", "orders < 2", "orders <= 1",
    "orders = 2", "orders is null", "(city = 'a' or stage = 'x')", "orders between 1 and 2", "p.city = 'a'",
    "(stage = 'x' and orders > 1)", "city <> 'a'", "not city = 'a'", "case when orders = 1 then true else false end",
]  # fmt: skip
predicates = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map(" and ".join) | st.sampled_from(
    ["city = 'a' or orders > 1", "stage = 'x' OR city = 'b' and orders = 2"]
)


@pytest.fixture(scope="module")
def people():
    with duckdb.connect() as connection:
        connection.execute(_PEOPLE)
        yield connection


def count(people, where: str) -> int:
    return people.execute(f"select count(*) from people as p where {where}").fetchall()[0][0]


@settings(max_examples=400, deadline=None)
@given(narrow=predicates, wide=predicates)
def test_whoever_is_said_to_be_meant_by_both_is(people, narrow, wide):
    if implies(narrow, wide):
        assert count(people, f"({narrow}) and not coalesce(({wide}), false)") == 0
    if contradicts_itself(narrow):
        assert count(people, narrow) == 0


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("stage = 'x' and city = 'a'", "city = 'a'"),
        ("city = 'a' AND  stage='x'", "stage = 'x' and city = 'a'"),
        ("(city = 'a') and (stage = 'x')", "city in ('a', 'b')"),
        ("city = 'a'", "city is not null"),
        ("orders > 3", "orders >= 2"),
        ("orders > 3", "orders is not null"),
        ("city = 'a and b' and stage = 'x'", "city = 'a and b'"),
        ("p.city = 'a'", "city = 'a'"),
    ],
)
def test_what_can_be_proved_is_found(narrow, wide):
    assert implies(narrow, wide)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("city = 'a'", "city = 'a' and stage = 'x'"),
        ("city = 'a' or stage = 'x'", "city = 'a'"),
        ("city = 'A'", "city = 'a'"),
        ("orders >= 2", "orders > 2"),
    ],
)
def test_what_does_not_follow_is_not_claimed(narrow, wide):
    assert not implies(narrow, wide)


@pytest.mark.parametrize(
    "predicate", ["city = 'a' and city = 'b'", "orders > 3 and orders < 2", "city is null and city = 'a'"]
)
def test_what_nobody_can_be_is_found(predicate):
    assert contradicts_itself(predicate)

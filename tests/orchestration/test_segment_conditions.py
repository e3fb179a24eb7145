"""A segment's query is taken apart into conditions that mean the same, in the words of whoever wrote them."""

from __future__ import annotations

import pytest

from orchestration.segments.conditions import (
    CannotBeSplitError,
    aggregates_of,
    columns_of,
    in_the_analysts_words,
    take_apart,
)


@pytest.mark.parametrize(
    ("where", "conditions"),
    [
        ("a = 1", ("a = 1",)),
        ("a = 1 and b = 'x and y'", ("a = 1", "b = 'x and y'")),
        ("a between 1 and 2 and b > 0", ("a between 1 and 2", "b > 0")),
        ("a between 1 and 2 and b between 3 and 4", ("a between 1 and 2", "b between 3 and 4")),
        ("a = 1 and b = 2 or c = 3", ("a = 1 and b = 2 or c = 3",)),
        ("a = 1 and (b = 2 or c = 3)", ("a = 1", "b = 2 or c = 3")),
        ("(a = 1 and b = 2) and c = 3", ("a = 1", "b = 2", "c = 3")),
        ("(a + 1) * (b + 1) > 2 and c", ("(a + 1) * (b + 1) > 2", "c")),
        ("case when a and b then c end and d", ("case when a and b then c end", "d")),
        ("a is distinct from b and not c", ("a is distinct from b", "not c")),
        ("a in (select b from u where c and d) and e", ("a in (select b from u where c and d)", "e")),
        ("a = 1 -- one, and only one\n and b", ("a = 1", "b")),
    ],
)
def test_what_stands_between_the_ands_is_a_condition(where: str, conditions: tuple[str, ...]) -> None:
    (select,) = take_apart(f"select person_id from t where {where};")
    assert select.where == conditions


def test_tables_groups_and_what_joins_them_are_told_apart() -> None:
    (select,) = take_apart(
        "with a as (select * from s), b as (select 1) "
        "select a.person_id as person_id from a inner join b on a.x = b.x and a.y = b.y left join c on a.z = c.z "
        "where a.v group by 1 having count(*) > 2 and max(w) filter (where x and y) < 3 order by 1 limit 10"
    )
    assert (select.before, select.person, select.table) == (
        "with a as (select * from s), b as (select 1)", "a.person_id", "a",
    )  # fmt: skip
    assert [(join.text, join.decides) for join in select.joins] == [
        ("inner join b on a.x = b.x and a.y = b.y", True), ("left join c on a.z = c.z", False),
    ]  # fmt: skip
    assert select.having == ("count(*) > 2", "max(w) filter (where x and y) < 3")
    assert (select.group_by, select.rest) == ("1", "limit 10")


def test_a_last_select_that_only_hands_on_is_looked_through_and_a_union_has_a_select_each() -> None:
    (select,) = take_apart(
        "with a as (select * from s), final as (select person_id from a where x) select * from final"
    )
    assert (select.table, select.where) == ("a", ("x",))
    assert [each.where for each in take_apart("select p from a where x union all select p from b where y and z")] == [
        ("x",), ("y", "z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "select person_id from a except select person_id from b",
        "with recursive a as (select 1) select person_id from a",
        "select * from a where b",
        "select person_id from a, b where c",
        "select person_id",
        "delete from a",
        "select 'unclosed",
    ],
)
def test_what_cannot_be_split_is_said_to_be_so(sql: str) -> None:
    with pytest.raises(CannotBeSplitError):
        take_apart(sql)


def test_conditions_are_shown_as_their_file_writes_them() -> None:
    source = (
        "{{ config(tags=['x']) }} {# who bought #}\nselect person_id from {{ ref('orders') }}\n"
        "where at > {{ ago(var('days')) }} and city = '{{ var(\"city\") }}'"
    )
    compiled = take_apart("select person_id from core.orders where at > (cast('2018' as date) - 1) and city = 'Rome'")
    (select,) = in_the_analysts_words(compiled, source)
    assert select.where == ("at > {{ ago(var('days')) }}", "city = '{{ var(\"city\") }}'")
    assert select.table == "{{ ref('orders') }}"


def test_a_file_that_is_not_shaped_like_its_query_is_shown_as_compiled() -> None:
    compiled = take_apart("select person_id from t where a and b")
    assert (
        in_the_analysts_words(compiled, "select person_id from t where {% for c in x %} {{ c }} {% endfor %}")
        == compiled
    )
    assert in_the_analysts_words(compiled, "select person_id from t where {{ a_macro() }}") == compiled


def test_a_condition_knows_the_columns_and_aggregates_that_decide_it() -> None:
    assert columns_of("lower(t.a) = 'x' and b > t.a") == ["t.a", "b"]
    assert columns_of("a in (select hidden from u)") == ["a"]
    assert aggregates_of("count(*) > 2 and max(a) filter (where b) < 3") == ["count(*)", "max(a) filter (where b)"]

"""The draw of hold-outs and variants, on 100,000 people: as large as asked, stable, and no two draws alike."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import jinja2
import pytest
from scipy import stats

from orchestration.settings import DBT_PROJECT

PEOPLE = 100_000
# Nine tests of a draw that never changes: this is no matter of luck.
ALPHA = 0.001


@pytest.fixture(scope="module")
def macros() -> SimpleNamespace:
    """The project's own macros, as dbt renders them for its default adapter."""
    source = "".join((DBT_PROJECT / "macros" / f"{name}.sql").read_text() for name in ("hashes", "holdouts"))
    environment = jinja2.Environment()
    environment.globals["var"] = {"global_holdout_share": 0.05}.get
    environment.globals["adapter"] = SimpleNamespace(dispatch=lambda name: getattr(template, f"default__{name}"))
    template = environment.from_string(source).module
    return template


@pytest.fixture(scope="module")
def people() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"create table people as select md5('person ' || n) as person_id from range({PEOPLE}) as t (n)")
    return connection


def unit(macros: SimpleNamespace, *salt: str) -> str:
    return macros.hash_unit([*(f"'{each}'" for each in salt), "person_id"])


def counts(people: duckdb.DuckDBPyConnection, *expressions: str) -> list[int]:
    """How many people each combination of the expressions has, in their order."""
    listed = ", ".join(expressions)
    rows = people.execute(f"select {listed}, count(*) from people group by all order by all").fetchall()
    return [row[-1] for row in rows]


def table(people: duckdb.DuckDBPyConnection, one: str, other: str, width: int) -> list[list[int]]:
    flat = counts(people, one, other)
    return [flat[start : start + width] for start in range(0, len(flat), width)]


def test_the_arms_have_the_sizes_that_were_asked_for(
    macros: SimpleNamespace, people: duckdb.DuckDBPyConnection
) -> None:
    draw = unit(macros, "variant", "hello")
    found = counts(people, f"case when {draw} < 0.5 then 1 when {draw} < 0.8 then 2 else 3 end")
    assert stats.chisquare(found, [0.5 * PEOPLE, 0.3 * PEOPLE, 0.2 * PEOPLE]).pvalue > ALPHA


def test_the_draw_is_even_over_its_whole_range(macros: SimpleNamespace, people: duckdb.DuckDBPyConnection) -> None:
    found = counts(people, f"cast(floor({unit(macros, 'variant', 'hello')} * 1000) as int)")
    assert len(found) == 1000
    assert stats.chisquare(found).pvalue > ALPHA


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("variant", "hello"), ("variant", "goodbye")),
        (("variant", "hello"), ("variant", "hello_2")),
        (("variant", "hello"), ("holdout", "hello")),
        (("holdout", "hello"), ("holdout", "goodbye")),
        (("global-holdout",), ("holdout", "hello")),
        (("global-holdout",), ("variant", "hello")),
    ],
    ids=["two campaigns", "names alike", "variant and hold-out", "two hold-outs", "global hold-out", "global, variant"],
)
def test_one_draw_says_nothing_of_another(
    macros: SimpleNamespace, people: duckdb.DuckDBPyConnection, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    tenths = [f"cast(floor({unit(macros, *salt)} * 10) as int)" for salt in (one, other)]
    found = table(people, *tenths, width=10)
    assert stats.chi2_contingency(found).pvalue > ALPHA


def test_who_is_drawn_stays_drawn_whoever_comes_beside_them(
    macros: SimpleNamespace, people: duckdb.DuckDBPyConnection
) -> None:
    holdout = macros.is_campaign_holdout("'hello'", "person_id", 0.1)
    first = people.execute(f"select person_id from people where {holdout} order by person_id limit 50").fetchall()
    with duckdb.connect() as another:
        another.execute("create table people (person_id varchar)")
        another.executemany("insert into people values (?)", first)
        assert another.execute(f"select count(*) from people where {holdout}").fetchone() == (50,)
    # A larger hold-out keeps everybody who was in the smaller one.
    larger = macros.is_campaign_holdout("'hello'", "person_id", 0.2)
    assert people.execute(f"select count(*) from people where {holdout} and not {larger}").fetchone() == (0,)


def test_the_global_hold_out_is_the_share_of_the_project(
    macros: SimpleNamespace, people: duckdb.DuckDBPyConnection
) -> None:
    held_out, others = reversed(counts(people, macros.is_global_holdout("person_id")))
    assert stats.chisquare([held_out, others], [0.05 * PEOPLE, 0.95 * PEOPLE]).pvalue > ALPHA

"""Data as it comes: the recommenders never fail on it, and say what they do without."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ml import interactions, recommend, recommend_fit
from ml.errors import FeatureError
from tests.ml.shops import AS_OF, SHOP, TASTES, Act, acts, lists, many_people, many_products, measured, products

ZOE: Act = ("zoe", None, 1.0)


def run(table: pa.Table, shop: pa.Table) -> tuple[recommend.Recommender, pa.Table]:
    model = recommend_fit.fit(table, shop, as_of=AS_OF)
    return model, recommend.recommend(model, shop, table)


@pytest.mark.parametrize("rows", [[], [ZOE]])
def test_no_purchases_give_no_lists(rows: list[Act]) -> None:
    model, table = run(acts(rows), products(SHOP))

    assert table.num_rows == 0
    assert table.schema == recommend.SCHEMA
    assert "there are 0 and 0" in model.note


def test_no_products_give_no_lists() -> None:
    assert run(acts(TASTES), products([]))[1].num_rows == 0


def test_a_shop_with_one_product_offers_it() -> None:
    _, table = run(acts([("ann", "tea", 50.0), ZOE]), products(["tea"]))

    assert lists(table, "buy_again") == {"ann": ["tea"]}
    assert lists(table, "discover") == {"zoe": ["tea"]}


def test_one_person_gets_popularity_which_the_table_and_the_note_say() -> None:
    model, table = run(acts([("ann", i, 50.0) for i in SHOP] + [ZOE]), products(SHOP))

    methods = {(r["list"], r["method"]) for r in table.to_pylist()}
    assert methods == {("buy_again", "rules"), ("discover", "popularity")}
    assert "weights between products need 30 people" in model.note


def test_with_too_little_to_learn_from_rules_rank_and_the_note_says_so() -> None:
    model, table = run(acts(TASTES), products(SHOP))

    assert {r["method"] for r in table.to_pylist()} == {"rules"}
    assert "too few tried new products to learn from" in model.note


def test_with_enough_both_lists_are_learned_and_nothing_is_noted() -> None:
    model, table = run(many_people(), many_products())

    assert {r["method"] for r in table.to_pylist()} == {"learned"}
    assert model.note == ""


def test_a_product_that_vanished_from_the_catalogue_is_on_no_list() -> None:
    _, table = run(acts(TASTES), products([i for i in SHOP if i != "honey"]))

    assert "honey" not in table["product_id"].to_pylist()
    assert lists(table, "discover")["t00"]


def test_a_product_that_vanished_is_still_a_reason_without_its_name() -> None:
    _, table = run(acts(TASTES), products([i for i in SHOP if i != "tea"]))

    assert "because you bought it" in table["reason"].to_pylist()


def test_a_person_with_100_000_events_is_a_person() -> None:
    busy: list[Act] = [("till", SHOP[n % 5], 1 + n / 1000) for n in range(100_000)]

    _, table = run(acts([*TASTES, *busy]), products(SHOP))

    assert lists(table, "buy_again")["till"]
    assert lists(table, "discover")["ann"][0] == "honey"


@pytest.mark.parametrize("quantity", [0.0, -1.0])
def test_a_line_returned_is_no_purchase(quantity: float) -> None:
    assert run(acts(TASTES, quantity=quantity), products(SHOP))[1].num_rows == 0


def test_a_refund_beside_its_purchase_changes_nothing() -> None:
    table = acts(TASTES)

    both = pa.concat_tables([table, acts(TASTES, quantity=-1.0)])

    assert run(both, products(SHOP))[1].equals(run(table, products(SHOP))[1])


def test_duplicated_rows_change_nothing() -> None:
    table, shop = many_people(), many_products()

    assert run(pa.concat_tables([table, table]), shop)[1].equals(run(table, shop)[1])
    twice = pa.concat_tables([shop, shop])
    assert run(table, twice)[1].equals(run(table, shop)[1])


@pytest.mark.parametrize("column", ["person_id", "product_id", "happened_at", "quantity", "city", "is_view"])
def test_a_column_of_nulls_is_no_error(column: str) -> None:
    table = acts(TASTES)
    place = table.column_names.index(column)

    emptied = table.set_column(place, column, pa.nulls(table.num_rows, table.schema.field(column).type))
    untyped = table.set_column(place, column, pa.nulls(table.num_rows))

    found = run(emptied, products(SHOP))[1]
    assert run(untyped, products(SHOP))[1].equals(found)
    assert bool(found.num_rows) == (column in ("city", "is_view"))


@pytest.mark.parametrize("column", ["name", "category", "is_available", "is_consumable"])
def test_a_catalogue_column_of_nulls_is_no_error(column: str) -> None:
    shop = products(SHOP)
    place = shop.column_names.index(column)

    found = run(acts([*TASTES, ZOE]), shop.set_column(place, column, pa.nulls(shop.num_rows)))[1]

    assert bool(found.num_rows) == (column != "is_available")


def test_a_category_that_is_new_since_the_fit_is_no_error() -> None:
    table = many_people()
    model = recommend_fit.fit(table, many_products(), as_of=AS_OF)

    found = recommend.recommend(model, products(many_products()["product_id"].to_pylist(), category="new"), table)

    assert max(len(chosen) for chosen in lists(found, "discover").values()) == 3


def test_a_product_that_is_new_since_the_fit_waits_for_the_next() -> None:
    table, shop = acts(TASTES), products([*SHOP, "rum"])
    model = recommend_fit.fit(table, products(SHOP), as_of=AS_OF)

    later = acts([("ann", "tea", 5.0), ("ann", "rum", 2.0)])

    assert lists(recommend.recommend(model, shop, later), "buy_again").get("ann") != ["rum"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FeatureError, match="Acts lack the column quantity"):
        interactions.read(acts(TASTES).drop_columns("quantity"))
    with pytest.raises(FeatureError, match="Products lack the column category"):
        run(acts(TASTES), products(SHOP).drop_columns("category"))


def test_an_evaluation_without_later_purchases_claims_nothing() -> None:
    table = measured(acts(TASTES), products(SHOP), cutoff=AS_OF, until=AS_OF.replace(month=7))

    assert table["value"].null_count == table["value_low"].null_count == table.num_rows == 8


def test_an_evaluation_of_a_few_people_claims_nothing() -> None:
    few: list[Act] = [(f"t{i:02d}", "coffee", -3.0) for i in range(5)]

    table = measured(acts([*TASTES, *few]), products(SHOP), cutoff=AS_OF, until=AS_OF.replace(month=7))

    assert table["value"].null_count == table.num_rows


def test_an_evaluation_of_an_empty_shop_is_an_empty_claim() -> None:
    table = measured(acts([]), products([]), cutoff=AS_OF, until=AS_OF.replace(month=7))

    assert table["value"].null_count == table.num_rows

"""What the recommender and ranking_evaluation.py promise."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from ml import ease, interactions, ranking, ranking_evaluation, recommend

AS_OF = datetime(2024, 6, 1)
Purchase = tuple[str, str, float]  # person, product, days before AS_OF


def purchases(rows: list[Purchase], quantity: float = 1.0) -> pa.Table:
    return pa.table(
        {
            "person_id": pa.array([r[0] for r in rows], pa.string()),
            "product_id": pa.array([r[1] for r in rows], pa.string()),
            "purchased_at": pa.array([AS_OF - timedelta(days=r[2]) for r in rows], pa.timestamp("us")),
            "quantity": pa.array([quantity] * len(rows), pa.float64()),
        }
    )


def products(ids: list[str], *, category: str | None = None, unavailable: str = "", durable: str = "") -> pa.Table:
    return pa.table(
        {
            "product_id": pa.array(ids, pa.string()),
            "name": pa.array([f"Product {i}" for i in ids], pa.string()),
            "category": pa.array([category or i for i in ids], pa.string()),
            "is_available": pa.array([i != unavailable for i in ids], pa.bool_()),
            "is_consumable": pa.array([False if i == durable else None for i in ids], pa.bool_()),
        }
    )


def lists(table: pa.Table, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in table.to_pylist():
        if row["list"] == name:
            found.setdefault(row["person_id"], []).append(row["product_id"])
    return found


# Tea goes with honey, coffee with milk; ann and ben still lack the other half. Soap is everybody's.
TASTES: list[Purchase] = [
    *[(f"t{i}", product, 10.0 + i) for i in range(6) for product in ("tea", "honey", "soap")],
    *[(f"c{i}", product, 10.0 + i) for i in range(6) for product in ("coffee", "milk", "soap")],
    ("ann", "tea", 5.0),
    ("ben", "coffee", 5.0),
]
SHOP = ["coffee", "honey", "milk", "soap", "tea"]


def run(rows: list[Purchase], shop: pa.Table, people: tuple[str, ...] = ()) -> pa.Table:
    return recommend.recommend(recommend.fit(purchases(rows), as_of=AS_OF, regularisation=1.0), shop, people=people)


def test_discover_follows_taste_over_popularity_and_says_why() -> None:
    table = run(TASTES, products(SHOP))

    first = {r["person_id"]: r for r in table.to_pylist() if r["list"] == "discover" and r["rank"] == 1}
    assert (first["ann"]["product_id"], first["ben"]["product_id"]) == ("honey", "milk")
    assert first["ann"]["reason"] == "because you bought Product tea"


def test_discover_has_nothing_that_was_bought() -> None:
    found = lists(run(TASTES, products(SHOP)), "discover")

    bought = {(person, product) for person, product, _ in TASTES}
    assert not bought & {(person, product) for person, chosen in found.items() for product in chosen}


def test_a_person_without_history_gets_what_most_people_bought() -> None:
    table = run(TASTES, products(SHOP), people=("zoe", "ann"))

    zoe = [r for r in table.to_pylist() if r["person_id"] == "zoe"]
    assert zoe[0]["product_id"] == "soap"
    assert {r["reason"] for r in zoe} == {"popular with our customers"}
    assert Counter((r["person_id"], r["list"], r["rank"]) for r in table.to_pylist()).most_common(1)[0][1] == 1


def test_buy_again_prefers_the_frequent_then_the_recent_and_counts_in_words() -> None:
    rows = [("ann", "tea", 1.0), *[("ann", "soap", d) for d in (2.0, 20.0, 40.0)], ("ann", "milk", 300.0)]

    table = run(rows, products(SHOP))

    again = [r for r in table.to_pylist() if r["list"] == "buy_again"]
    assert [r["product_id"] for r in again] == ["soap", "tea", "milk"]
    assert again[0]["reason"] == "you bought it 3 times, last on 30 May 2024"
    assert again[1]["reason"] == "you bought it on 31 May 2024"


def test_a_product_that_others_buy_again_comes_before_one_that_nobody_does() -> None:
    once = [("ann", "coffee", 5.0), ("ann", "tea", 5.0)]
    others = [(f"p{n}", product, d) for n in range(9) for product, d in (("tea", 9.0), ("coffee", 9.0))]
    again = [(f"p{n}", "tea", 8.0) for n in range(9)]

    found = lists(run([*once, *others, *again], products(SHOP)), "buy_again")

    assert found["ann"] == ["tea", "coffee"]


def test_two_lines_of_one_order_are_one_purchase() -> None:
    table = run([("ann", "tea", 1.0)] * 2, products(SHOP))

    assert "you bought it on 31 May 2024" in table["reason"].to_pylist()


def test_an_unavailable_product_is_on_no_list() -> None:
    table = run(TASTES, products(SHOP, unavailable="honey"), people=("zoe",))

    assert "honey" not in table["product_id"].to_pylist()
    assert lists(table, "discover")["ann"]


def test_a_product_that_the_shop_does_not_know_is_on_no_list() -> None:
    table = run(TASTES, products([i for i in SHOP if i != "honey"]))

    assert "honey" not in table["product_id"].to_pylist()


def test_what_is_not_consumable_is_not_bought_again_but_may_be_discovered() -> None:
    table = run(TASTES, products(SHOP, durable="tea"), people=("zoe",))

    assert all("tea" not in chosen for chosen in lists(table, "buy_again").values())
    assert "tea" in lists(table, "discover")["zoe"]


def test_discover_has_at_most_three_of_a_category_and_ten_in_all() -> None:
    ids = [f"i{n:02d}" for n in range(30)]
    rows = [(f"p{n}", i, 5.0) for n, i in enumerate(ids)]

    alike = lists(run(rows, products(ids, category="one")), "discover")
    varied = lists(run(rows, products(ids)), "discover")

    assert {len(chosen) for chosen in alike.values()} == {3}
    assert {len(chosen) for chosen in varied.values()} == {10}


def test_ties_are_broken_by_product() -> None:
    table = run([("ann", i, 5.0) for i in ("b", "c", "a")], products(["c", "b", "a"]), people=("zoe",))

    assert lists(table, "buy_again")["ann"] == ["a", "b", "c"]
    assert lists(table, "discover")["zoe"] == ["a", "b", "c"]


def test_the_order_of_the_rows_does_not_change_a_list() -> None:
    shuffled = [TASTES[i] for i in np.random.default_rng(0).permutation(len(TASTES))]

    assert run(TASTES, products(SHOP)).equals(run(shuffled, products(SHOP[::-1])))


def test_nothing_at_or_after_as_of_is_seen() -> None:
    later = [*TASTES, ("ann", "milk", 0.0), ("ann", "milk", -3.0)]

    assert run(later, products(SHOP)).equals(run(TASTES, products(SHOP)))


def test_a_line_returned_is_no_purchase() -> None:
    model = recommend.fit(purchases(TASTES, quantity=-1.0), as_of=AS_OF)

    assert recommend.recommend(model, products(SHOP)).num_rows == 0


@pytest.mark.parametrize("people", [(), ("zoe",)])
def test_no_purchases_give_no_lists(people: tuple[str, ...]) -> None:
    table = run([], products(SHOP), people=people)

    assert table.num_rows == 0
    assert table.schema == recommend.SCHEMA


def test_no_products_give_no_lists() -> None:
    assert run(TASTES, products([]), people=("zoe",)).num_rows == 0


def test_a_shop_with_one_product_offers_it() -> None:
    table = run([("ann", "tea", 5.0)], products(["tea"]), people=("zoe",))

    assert lists(table, "buy_again") == {"ann": ["tea"]}
    assert lists(table, "discover") == {"zoe": ["tea"]}


def test_only_the_products_that_most_people_bought_are_kept() -> None:
    built = interactions.build(purchases(TASTES), as_of=AS_OF, max_products=3)

    assert built.products.tolist() == ["coffee", "soap", "tea"]


@pytest.mark.parametrize("shape", [(7, 12), (12, 7)])
def test_both_forms_of_ease_solve_the_paper_s_equation(shape: tuple[int, int]) -> None:
    history = (np.random.default_rng(3).random(shape) < 0.4).astype(float)
    precision = np.linalg.inv(history.T @ history + 2.0 * np.eye(shape[1]))
    weights = np.eye(shape[1]) - precision / precision.diagonal()

    model = ease.fit(sparse.csr_array(history), regularisation=2.0)

    assert model.is_dual == (shape[0] < shape[1])
    np.testing.assert_allclose(model.scores(np.arange(shape[0])), history @ weights, atol=1e-10)
    np.testing.assert_allclose(model.weights(np.array([4, 1])), weights[:, [4, 1]], atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=5), st.integers(1, 8))
def test_a_dense_ranking_is_a_stable_sort(rows: list[list[int]], depth: int) -> None:
    scores = np.array(rows, dtype=float)

    ranked = ranking.rank_dense(scores, depth=depth)

    expected = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    assert ranked.product.tolist() == expected.ravel().tolist()
    assert ranked.rank.tolist() == list(range(1, expected.shape[1] + 1)) * len(rows)


def test_recall_and_ndcg_by_hand() -> None:
    ranked = ranking.rank(np.array([0, 0, 1]), np.array([3, 4, 3]), np.array([2.0, 1.0, 1.0]), depth=10)

    # Person 0 bought 4 and 5 and was shown 3, 4; person 1 bought 5 and was shown 3; person 2 got nothing.
    quality = ranking_evaluation.ranking_quality(ranked, np.array([0, 0, 1, 2]), np.array([4, 5, 5, 1]), 6)

    gain = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    assert (quality.recall, quality.people_count) == (pytest.approx(0.5 / 3), 3)
    assert quality.ndcg == pytest.approx(gain / 3)


def test_the_evaluation_finds_the_taste_that_came_true() -> None:
    rows = [
        *TASTES,
        ("ann", "honey", -3.0),
        ("ben", "milk", -3.0),
        ("ann", "tea", -3.0),
        ("new", "tea", -3.0),
    ]

    table = ranking_evaluation.evaluate_recommendations(
        purchases(rows), products(SHOP), cutoff=AS_OF, until=AS_OF + timedelta(days=30), version="v1", depth=1
    )

    recall = {r["metric"]: (r["value"], r["baseline_value"]) for r in table.to_pylist()}
    assert recall["recall_at_10_novel"] == (1.0, 0.0)
    assert recall["recall_at_10_all"][0] == 0.5
    assert recall["recall_at_10_served_novel"][0] == 1.0


def test_an_evaluation_without_later_purchases_is_null() -> None:
    table = ranking_evaluation.evaluate_recommendations(
        purchases(TASTES), products(SHOP), cutoff=AS_OF, until=AS_OF + timedelta(days=30), version="v1"
    )

    assert table["value"].null_count == table.num_rows == 6

"""What the parts of the recommenders promise: weights, rankings, measures."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from ml import ease, interactions, popularity, ranking, ranking_evaluation, recommend, recommend_fit, store
from tests.ml.shops import AS_OF, SHOP, TASTES, acts, many_people, many_products, measured, products


def test_only_the_products_that_most_people_bought_are_kept() -> None:
    model = recommend_fit.fit(acts(TASTES), products(SHOP), as_of=AS_OF, max_products=3)

    assert model.products.tolist() == ["coffee", "soap", "tea"]


def test_with_every_neighbour_the_weights_solve_ease_s_equation() -> None:
    history = (np.random.default_rng(3).random((40, 7)) < 0.4).astype(np.float32)
    precision = np.linalg.inv(history.T @ history + 2.0 * np.eye(7))
    expected = np.eye(7) - precision / precision.diagonal()

    weights = ease.fit(sparse.csr_array(history), neighbours=6, regularisation=2.0)

    np.testing.assert_allclose(weights.toarray(), expected, atol=1e-5)


def test_the_weights_are_few_whatever_the_number_of_people() -> None:
    history = (np.random.default_rng(3).random((400, 50)) < 0.4).astype(np.float32)

    weights = ease.fit(sparse.csr_array(history), neighbours=5)

    assert np.bincount(weights.indices, minlength=50).max() == 5
    assert weights.diagonal().sum() == 0


def test_a_small_city_has_no_list_of_its_own() -> None:
    table = acts([(f"p{i:02d}", "tea", 5.0) for i in range(popularity.MIN_CITY_BUYERS - 1)], city="Bonn")

    assert recommend_fit.fit(table, products(SHOP), as_of=AS_OF).cities.tolist() == []


def test_acts_are_the_same_from_a_table_and_from_its_batches() -> None:
    table = many_people()

    whole, parts = interactions.read(table), interactions.read(table.to_reader(max_chunksize=11))

    for name in ("people", "products", "person", "product", "moment", "is_view"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


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
    assert quality.person.tolist() == [0, 1, 2]
    assert quality.recall.tolist() == [0.5, 0.0, 0.0]
    assert quality.ndcg.tolist() == [pytest.approx(gain), 0.0, 0.0]


def test_the_evaluation_finds_the_taste_that_came_true() -> None:
    rows = [*TASTES, ("new", "tea", -3.0)]
    rows += [(f"a{i:02d}", "tea", 20.0) for i in range(30)] + [(f"a{i:02d}", "honey", -3.0) for i in range(30)]

    table = measured(acts(rows), products(SHOP), cutoff=AS_OF, until=AS_OF + timedelta(days=30), depth=1)

    recall = {r["metric"]: (r["value"], r["baseline_value"]) for r in table.to_pylist()}
    assert recall["recall_at_10_novel"] == (1.0, 0.0)
    assert recall["recall_at_10_served_novel"][0] == 1.0


def test_an_evaluation_has_intervals_around_its_figures() -> None:
    table = measured(many_people(), many_products(), cutoff=AS_OF - timedelta(days=30), until=AS_OF)

    for row in table.to_pylist():
        assert row["value_low"] <= row["value"] <= row["value_high"]


def test_of_two_models_the_one_that_knows_what_people_like_ranks_better_and_none_beats_itself() -> None:
    table, shop, cutoff = many_people(), many_products(), AS_OF - timedelta(days=30)
    knowing = recommend_fit.fit(table, shop, as_of=cutoff)
    ignorant = recommend_fit.fit(acts(TASTES), shop, as_of=cutoff)

    met = ranking_evaluation.compare(knowing, ignorant, table, until=AS_OF)
    itself = ranking_evaluation.compare(knowing, knowing, table, until=AS_OF)

    assert met.low is not None and met.low > 0
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)


def test_the_same_data_in_any_order_is_stored_as_the_same_bytes(tmp_path: Path) -> None:
    table, shop = many_people(), many_products()
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))
    files = []
    for name, rows in (("one", table), ("two", shuffled)):
        metadata = store.ModelMetadata(name="recommendations", as_of=AS_OF, data_fingerprint="abc")
        version = store.save(recommend_fit.fit(rows, shop, as_of=AS_OF), metadata, tmp_path / name)
        files.append((tmp_path / name / "recommendations" / version / "model.skops").read_bytes())

    assert files[0] == files[1]


def test_fits_that_share_their_looks_are_stored_as_the_same_bytes_as_those_that_do_not(tmp_path: Path) -> None:
    table, shop, looks = interactions.read(many_people()), many_products(), recommend_fit.Looks()
    recommend_fit.fit(table, shop, as_of=datetime(2024, 5, 1), looks=looks)
    files = []
    for name, shared in (("shared", looks), ("alone", None)):
        metadata = store.ModelMetadata(name="recommendations", as_of=AS_OF, data_fingerprint="abc")
        model = recommend_fit.fit(table, shop, as_of=AS_OF, looks=shared)
        files.append(tmp_path / name / "recommendations" / store.save(model, metadata, tmp_path / name))

    assert looks.again.keys() >= {interactions.microseconds(datetime(2024, month, 1)) for month in (3, 4, 5)}
    assert (files[0] / "model.skops").read_bytes() == (files[1] / "model.skops").read_bytes()


def test_a_stored_model_recommends_as_it_did(tmp_path: Path) -> None:
    table, shop = many_people(), many_products()
    model = recommend_fit.fit(table, shop, as_of=AS_OF)
    metadata = store.ModelMetadata(name="recommendations", as_of=AS_OF, data_fingerprint="abc")

    loaded = store.load(tmp_path, "recommendations", store.save(model, metadata, tmp_path))

    assert recommend.recommend(loaded, shop, table).equals(recommend.recommend(model, shop, table))

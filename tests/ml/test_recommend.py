"""What the lists promise."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from ml import recommend, recommend_fit
from tests.ml.shops import AS_OF, SHOP, TASTES, Act, acts, lists, many_people, many_products, products

ZOE: Act = ("zoe", None, 1.0)


def run(rows: list[Act], shop: pa.Table, views: tuple[Act, ...] = (), city: str | None = None) -> pa.Table:
    table = acts(rows, views=views, city=city)
    return recommend.recommend(recommend_fit.fit(table, shop, as_of=AS_OF), shop, table)


def test_discover_follows_taste_over_popularity_and_says_why() -> None:
    table = run(TASTES, products(SHOP))

    first = {r["person_id"]: r for r in table.to_pylist() if r["list"] == "discover" and r["rank"] == 1}
    assert (first["ann"]["product_id"], first["ben"]["product_id"]) == ("honey", "milk")
    assert first["ann"]["reason"] == "because you bought Product tea"


def test_a_view_speaks_for_what_goes_with_it() -> None:
    table = run(TASTES, products(SHOP), views=(("eve", "coffee", 2.0),))

    first = next(r for r in table.to_pylist() if r["person_id"] == "eve" and r["product_id"] == "milk")
    assert first["reason"] == "because you looked at Product coffee"


def test_what_was_only_looked_at_may_be_discovered_and_is_not_bought_again() -> None:
    table = run(TASTES, products(SHOP), views=(("eve", "coffee", 2.0),))

    assert "coffee" in lists(table, "discover")["eve"]
    assert "eve" not in lists(table, "buy_again")


def test_discover_has_nothing_that_was_bought() -> None:
    found = lists(run(TASTES, products(SHOP)), "discover")

    bought = {(person, product) for person, product, _ in TASTES}
    assert not bought & {(person, product) for person, chosen in found.items() for product in chosen}


def test_a_person_without_history_gets_what_most_people_bought() -> None:
    table = run([*TASTES, ZOE], products(SHOP))

    zoe = [r for r in table.to_pylist() if r["person_id"] == "zoe"]
    assert zoe[0]["product_id"] == "soap"
    assert {r["reason"] for r in zoe} == {"popular with our customers"}
    assert Counter((r["person_id"], r["list"], r["rank"]) for r in table.to_pylist()).most_common(1)[0][1] == 1


def test_a_person_without_history_gets_what_their_city_buys() -> None:
    bonn = acts([(f"b{i:02d}", "tea", 10.0) for i in range(40)] + [ZOE], city="Bonn")
    lyon = acts([(f"l{i:02d}", "soap", 10.0) for i in range(60)] + [("yan", None, 1.0)], city="Lyon")
    table = pa.concat_tables([bonn, lyon])

    found = recommend.recommend(recommend_fit.fit(table, products(SHOP), as_of=AS_OF), products(SHOP), table)

    first = {r["person_id"]: r for r in found.to_pylist() if r["rank"] == 1 and r["list"] == "discover"}
    assert (first["zoe"]["product_id"], first["zoe"]["reason"]) == ("tea", "popular in Bonn")
    assert (first["yan"]["product_id"], first["yan"]["reason"]) == ("soap", "popular in Lyon")


def test_without_evidence_a_category_that_they_buy_comes_before_another() -> None:
    # Nobody bought two things, so that no product speaks for another.
    rows: list[Act] = [(f"p{i:02d}", f"i{i % 4}", 5.0) for i in range(40)]
    shop = products(["i0", "i1", "i2", "i3"]).set_column(2, "category", pa.array(["Teas", "Soaps", "Soaps", "Teas"]))

    table = run(rows, shop)

    first = {r["person_id"]: r for r in table.to_pylist() if r["list"] == "discover" and r["rank"] == 1}
    assert (first["p00"]["product_id"], first["p00"]["reason"]) == ("i3", "popular in teas")


def test_buy_again_prefers_the_frequent_then_the_recent_and_says_how_often() -> None:
    rows = [("ann", "tea", 30.0), *[("ann", "soap", d) for d in (12.0, 22.0, 32.0)], ("ann", "milk", 300.0)]
    rows += [("ann", "honey", 33.0), ("ann", "honey", 110.0)]

    again = [r for r in run(rows, products(SHOP)).to_pylist() if r["list"] == "buy_again"]

    assert [r["product_id"] for r in again] == ["soap", "honey", "tea", "milk"]
    assert again[0]["reason"] == "you buy it about every 10 days, last on 20 May 2024"
    assert again[1]["reason"] == "you bought it 2 times, last on 29 April 2024"
    assert again[2]["reason"] == "you bought it on 2 May 2024"


def test_what_is_not_due_is_not_bought_again_yet() -> None:
    monthly = [("ann", "soap", 1.0 + 30 * n) for n in range(6)]
    daily = [("ann", "milk", 1.0 + n) for n in range(60)]

    assert lists(run([*monthly, *daily], products(SHOP)), "buy_again")["ann"] == ["milk"]


def test_a_product_that_others_buy_again_comes_before_one_that_nobody_does() -> None:
    once = [("ann", "coffee", 50.0), ("ann", "tea", 50.0)]
    others = [(f"p{n}", product, d) for n in range(9) for product, d in (("tea", 90.0), ("coffee", 90.0))]
    again = [(f"p{n}", "tea", 80.0) for n in range(9)]

    assert lists(run([*once, *others, *again], products(SHOP)), "buy_again")["ann"] == ["tea", "coffee"]


def test_an_unavailable_product_is_on_no_list() -> None:
    table = run([*TASTES, ZOE], products(SHOP, unavailable="honey"))

    assert "honey" not in table["product_id"].to_pylist()
    assert lists(table, "discover")["ann"]


def test_what_is_not_consumable_is_not_bought_again_but_may_be_discovered() -> None:
    table = run([*TASTES, ZOE], products(SHOP, durable="tea"))

    assert all("tea" not in chosen for chosen in lists(table, "buy_again").values())
    assert "tea" in lists(table, "discover")["zoe"]


def test_discover_has_at_most_three_of_a_category_and_ten_in_all() -> None:
    ids = [f"i{n:02d}" for n in range(30)]
    rows = [(f"p{n}", i, 5.0) for n, i in enumerate(ids)]

    alike = lists(run(rows, products(ids, category="one")), "discover")
    varied = lists(run(rows, products(ids)), "discover")

    assert {len(chosen) for chosen in alike.values()} == {3}
    assert {len(chosen) for chosen in varied.values()} == {10}


def test_a_list_may_be_longer() -> None:
    ids = [f"i{n:02d}" for n in range(30)]
    table, shop = acts([(f"p{n}", i, 5.0) for n, i in enumerate(ids)]), products(ids)

    found = recommend.recommend(recommend_fit.fit(table, shop, as_of=AS_OF), shop, table, length=20)

    assert {len(chosen) for chosen in lists(found, "discover").values()} == {20}


def test_ties_are_broken_by_product() -> None:
    table = run([("ann", i, 50.0) for i in ("b", "c", "a")] + [ZOE], products(["c", "b", "a"]))

    assert lists(table, "buy_again")["ann"] == ["a", "b", "c"]
    assert lists(table, "discover")["zoe"] == ["a", "b", "c"]


def test_nothing_at_or_after_as_of_is_seen() -> None:
    later = [*TASTES, ("ann", "milk", 0.0), ("ann", "milk", -3.0)]

    assert run(later, products(SHOP)).equals(run(TASTES, products(SHOP)))


def test_a_person_s_list_at_request_time_is_their_list_of_the_night() -> None:
    table, shop = many_people(), many_products()
    model = recommend_fit.fit(table, shop, as_of=AS_OF)
    known = recommend.catalogue.of(shop, model.products)
    every = recommend.recommend(model, shop, table)
    assert set(every["method"].to_pylist()) == {"learned"}

    for person in ("p000", "p017", "p199"):
        alone = recommend.recommend_for(model, known, table.filter(pa.compute.equal(table["person_id"], person)))
        assert alone.equals(every.filter(pa.compute.equal(every["person_id"], person)).combine_chunks())


def test_what_was_bought_since_the_night_counts_at_request_time() -> None:
    table, shop = acts(TASTES), products(SHOP)
    model = recommend_fit.fit(table, shop, as_of=AS_OF)
    known = recommend.catalogue.of(shop, model.products)
    later = acts([("ann", "tea", 5.0), ("ann", "honey", -1.0)])

    found = recommend.recommend_for(model, known, later, as_of=AS_OF.replace(day=3))

    assert "honey" not in lists(found, "discover")["ann"]


def test_lists_made_in_blocks_are_those_made_at_once() -> None:
    table, shop = many_people().sort_by("person_id"), many_products()
    model = recommend_fit.fit(table, shop, as_of=AS_OF)

    blocks = recommend.recommend_blocks(model, shop, table.to_batches(max_chunksize=37), people_a_block=7)

    assert pa.Table.from_batches(blocks).equals(recommend.recommend(model, shop, table))


def test_the_order_of_the_rows_does_not_change_a_list() -> None:
    table, shop = many_people(), many_products()
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))

    found = [recommend.recommend(recommend_fit.fit(t, shop, as_of=AS_OF), shop, t) for t in (table, shuffled)]

    assert found[0].equals(found[1])

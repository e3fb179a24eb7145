"""How good the lists are on held-out time: recall and NDCG, next to popularity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml import buy_again, discover, evaluation, ranking, recommend
from ml.interactions import Interactions

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class RankingQuality:
    """Means over the people who had anything to find; None when nobody had."""

    recall: float | None
    ndcg: float | None
    people_count: int


def evaluate_recommendations(
    purchases: pa.Table,
    products: pa.Table,
    *,
    cutoff: datetime,
    until: datetime,
    version: str,
    split: str = "test",
    depth: int = 10,
) -> pa.Table:
    """Recall@10 and NDCG@10 of both lists over the purchases from `cutoff` up to `until`, both UTC.

    The model sees what came before `cutoff`; what counts is each distinct product bought after it, of those
    in the model's catalogue, by people known before it. Recall is hits / min(10, products bought).
    'buy_again' is measured on all products ('all'), 'discover' on those the person had never bought
    ('novel'); the baseline is popularity, without the products already bought where only novel ones count.
    Both are raw rankings, as published figures are; `served_` is the list with its category limit.
    """
    model = recommend.fit(purchases, as_of=cutoff)
    built = model.interactions
    every = np.ones(len(built.products), dtype=bool)
    person, product = _bought_between(purchases, built, cutoff, until)
    is_novel = ~_contains(built, person, product)

    def quality(ranked: ranking.Ranking, relevant: Bools | slice) -> RankingQuality:
        return ranking_quality(ranked, person[relevant], product[relevant], len(built.products), depth=depth)

    novel = discover.rank(model.ease, built, every, depth=depth)
    again = buy_again.rank(built, every, depth=depth)
    popular, popular_novel = _popular_rankings(built, depth)
    served = _served(recommend.recommend(model, products), built)
    all_baseline, novel_baseline = quality(popular, slice(None)), quality(popular_novel, is_novel)
    return pa.concat_tables(
        [
            _ranking_table("buy_again", version, split, "all", quality(again, slice(None)), all_baseline),
            _ranking_table("discover", version, split, "novel", quality(novel, is_novel), novel_baseline),
            _ranking_table("discover", version, split, "served_novel", quality(served, is_novel), novel_baseline),
        ]
    )


def ranking_quality(
    ranked: ranking.Ranking, person: Ints, product: Ints, products_count: int, *, depth: int = 10
) -> RankingQuality:
    """Recall and NDCG at `depth` against the distinct (person, product) pairs that came true."""
    if not len(person):
        return RankingQuality(None, None, 0)
    relevant = np.unique(person * products_count + product)
    people, wanted = np.unique(relevant // products_count, return_counts=True)
    possible = np.minimum(wanted, depth)

    is_shown = ranked.rank <= depth
    shown = ranked.person[is_shown] * products_count + ranked.product[is_shown]
    is_hit = np.isin(shown, relevant)
    hit_person = np.searchsorted(people, ranked.person[is_shown][is_hit])
    discount = 1 / np.log2(np.arange(2, depth + 2))
    gained = discount[ranked.rank[is_shown][is_hit] - 1]
    hits = np.bincount(hit_person, minlength=len(people))
    gain = np.bincount(hit_person, weights=gained, minlength=len(people))
    ideal = np.cumsum(discount)[possible - 1]
    return RankingQuality(float((hits / possible).mean()), float((gain / ideal).mean()), len(people))


def _popular_rankings(built: Interactions, depth: int) -> tuple[ranking.Ranking, ranking.Ranking]:
    """The most popular products for everybody, with and without those that the person bought."""
    people_count, products_count = built.counts.shape
    order = np.argsort(-built.buyers, kind="stable")
    longest = int(np.diff(built.counts.indptr).max(initial=0))
    head = order[: depth + longest]
    product = np.tile(head[:depth], people_count)
    width = min(depth, products_count)
    person = np.repeat(np.arange(people_count), width)
    everything = ranking.rank(person, product, built.buyers[product], depth=depth)

    parts = []
    for start in range(0, people_count, discover.BLOCK):
        bought = built.counts[start : start + discover.BLOCK][:, head].tocoo()
        scores = np.tile(built.buyers[head], (bought.shape[0], 1))
        scores[bought.coords[0], bought.coords[1]] = -np.inf
        part = ranking.rank_dense(scores, depth=depth, first_person=start)
        parts.append((part.person, part.rank, head[part.product], part.score))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [product] * 4
    return everything, ranking.Ranking(*columns)


def _bought_between(purchases: pa.Table, built: Interactions, cutoff: datetime, until: datetime) -> tuple[Ints, Ints]:
    """Indices of the people and products of the purchases in [cutoff, until), of those that `built` knows."""
    moment = purchases["purchased_at"].cast(pa.timestamp("us"), safe=False)
    since, before = (pa.scalar(t.replace(tzinfo=None), pa.timestamp("us")) for t in (cutoff, until))
    is_after = pc.and_(pc.greater_equal(moment, since), pc.less(moment, before))
    is_purchase = pc.greater(purchases["quantity"].cast(pa.float64()), 0)
    lines = purchases.filter(pc.and_(is_after, is_purchase))
    person, product = _index(lines["person_id"], built.people), _index(lines["product_id"], built.products)
    is_known = (person >= 0) & (product >= 0)
    return person[is_known], product[is_known]


def _contains(built: Interactions, person: Ints, product: Ints) -> Bools:
    coordinates = built.counts.tocoo().coords
    width = max(len(built.products), 1)
    return np.isin(person * width + product, coordinates[0].astype(np.int64) * width + coordinates[1])


def _served(served: pa.Table, built: Interactions) -> ranking.Ranking:
    rows = served.filter(pc.equal(served["list"], "discover"))
    return ranking.Ranking(
        person=_index(rows["person_id"], built.people),
        rank=rows["rank"].to_numpy(),
        product=_index(rows["product_id"], built.products),
        score=rows["score"].to_numpy(),
    )


def _index(column: pa.ChunkedArray, ids: NDArray[np.str_]) -> Ints:
    """Where each value stands in the sorted ids, -1 where it does not."""
    found = pc.index_in(column.cast(pa.string()), value_set=pa.array(ids.astype(object), pa.string()))
    return found.cast(pa.int64()).fill_null(-1).to_numpy()


def _ranking_table(
    model: str, version: str, split: str, kind: str, value: RankingQuality, baseline: RankingQuality
) -> pa.Table:
    names = (f"recall_at_10_{kind}", f"ndcg_at_10_{kind}")
    return evaluation.table(
        model,
        version,
        split,
        dict(zip(names, (value.recall, value.ndcg), strict=True)),
        dict(zip(names, (baseline.recall, baseline.ndcg), strict=True)),
    )

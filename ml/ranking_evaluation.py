"""How good the lists are on held-out time: recall and NDCG, next to popularity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml import (
    bootstrap,
    buy_again,
    catalogue,
    contest,
    discover,
    evaluation,
    histories,
    interactions,
    ranking,
    recommend,
)
from ml.histories import Histories
from ml.interactions import Acts
from ml.recommend import Recommender

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Fewer people than these say nothing of quality.
MIN_PEOPLE = 20


@dataclass(frozen=True)
class RankingQuality:
    """Of each person who had anything to find: the share found, and its discounted gain over the best possible."""

    person: Ints
    recall: Floats
    ndcg: Floats

    def of(self, places: Ints) -> RankingQuality:
        """Those of some people, of whom any may be there more than once."""
        return RankingQuality(self.person[places], self.recall[places], self.ndcg[places])

    def means(self) -> tuple[float | None, float | None]:
        """Recall and NDCG over the people; None where there are too few to say."""
        if len(self.person) < MIN_PEOPLE:
            return None, None
        return float(self.recall.mean()), float(self.ndcg.mean())


@dataclass(frozen=True)
class Measured:
    """One kind of ranking on the held-out time, and the baseline for the same people."""

    model: str
    kind: str
    value: RankingQuality
    baseline: RankingQuality


def evaluate_recommendations(
    model: Recommender,
    rows: pa.Table | Acts,
    products: pa.Table,
    *,
    until: datetime,
    version: str,
    split: str = "test",
    depth: int = 10,
) -> pa.Table:
    """Recall@10 and NDCG@10 of both lists as a table: the means of `measure`, null where too few people say it.

    `model` was fitted as of the beginning of the held-out time, which ends at `until` (UTC).

    Rows of evaluation.WITH_INTERVALS; the intervals are over resamples of the people.
    """
    measured = measure(model, rows, products, until=until, depth=depth)
    return pa.concat_tables([_table(each, version, split) for each in measured])


def measure(
    model: Recommender, rows: pa.Table | Acts, products: pa.Table, *, until: datetime, depth: int = 10
) -> list[Measured]:
    """Each person's recall and NDCG over the purchases from the model's as_of up to `until` (UTC).

    What counts is each distinct product bought in that time, of those that the model knows, by people who had
    bought before. Recall is hits / min(10, products bought). 'buy_again' is measured on all products ('all', with new
    products among them by their chance),
    'discover' on those the person had never bought ('novel'); the baseline is popularity, without the products
    already bought where only novel ones count. Both are raw rankings, as published figures are; `served_` are the
    lists as people get them: available, due, and with a limit a category.
    """
    acts = _acts(rows)
    count = len(model.products)
    column = interactions.position(model.products, acts.products)
    before = histories.build(acts, column, model.moment, count)
    key = _bought_between(acts, column, before, model.moment, interactions.microseconds(until))
    bought = before.purchases > 0
    novel = key[~np.isin(key, before.person[bought].astype(np.int64) * count + before.product[bought])]

    def quality(ranked: ranking.Ranking, relevant: Ints) -> RankingQuality:
        return ranking_quality(ranked, relevant // max(count, 1), relevant % max(count, 1), count, depth=depth)

    new = _discovered(model, before, depth)
    popular, popular_novel = _popular_rankings(before, model.popularity.buyers, depth)
    served = _served(model, acts, products, depth)
    all_baseline, novel_baseline = quality(popular, key), quality(popular_novel, novel)
    return [
        Measured("buy_again", "all", quality(_merged(model, before, new, depth), key), all_baseline),
        Measured("buy_again", "served_all", quality(served["buy_again"], key), all_baseline),
        Measured("discover", "novel", quality(new, novel), novel_baseline),
        Measured("discover", "served_novel", quality(served["discover"], novel), novel_baseline),
    ]


def compare(
    challenger: Recommender, champion: Recommender, rows: pa.Table | Acts, *, until: datetime, depth: int = 10
) -> contest.Comparison:
    """How much better the challenger ranks than the champion does, by NDCG over all products.

    The challenger was fitted as of the beginning of the held-out time; both rank from what people had done by then.
    """
    acts = _acts(rows)
    ours, theirs = (_all_quality(model, acts, challenger.moment, until, depth) for model in (challenger, champion))

    def figures(places: Ints) -> tuple[float | None, float | None]:
        return ours.of(places).means()[1], theirs.of(places).means()[1]

    return contest.compare("NDCG at 10 of all products", len(ours.person), figures)


def _all_quality(model: Recommender, acts: Acts, moment: int, until: datetime, depth: int) -> RankingQuality:
    """Among all products that the acts name, so that one that the model does not know is one that it misses."""
    count = len(acts.products)
    before = histories.build(acts, interactions.position(model.products, acts.products), moment, len(model.products))
    ranked = _merged(model, before, _discovered(model, before, depth), depth)
    place = interactions.position(acts.products, model.products)[ranked.product].astype(np.int64)
    is_known = place >= 0
    shown = ranking.Ranking(ranked.person[is_known], ranked.rank[is_known], place[is_known], ranked.score[is_known])

    every = np.arange(count, dtype=np.int32)
    known = histories.build(acts, every, moment, count)
    key = _bought_between(acts, every, known, moment, interactions.microseconds(until))
    return ranking_quality(shown, key // max(count, 1), key % max(count, 1), count, depth=depth)


def ranking_quality(
    ranked: ranking.Ranking, person: Ints, product: Ints, products_count: int, *, depth: int = 10
) -> RankingQuality:
    """Recall and NDCG at `depth` against the distinct (person, product) pairs that came true."""
    if not len(person):
        return RankingQuality(np.empty(0, np.int64), np.empty(0), np.empty(0))
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
    return RankingQuality(people, hits / possible, gain / ideal)


def _acts(rows: pa.Table | Acts) -> Acts:
    return rows if isinstance(rows, Acts) else interactions.read(rows)


def _discovered(model: Recommender, before: Histories, depth: int) -> ranking.Ranking:
    every = np.ones(before.products_count, dtype=np.bool_)
    parts = [
        discover.rank(
            model.discoverer,
            before.of(people),
            model.popularity,
            every,
            discover.everywhere(model.popularity, len(people)),
            depth=depth,
        )[0]
        for people in _blocks(before)
    ]
    return _joined(parts)


def _merged(model: Recommender, before: Histories, new: ranking.Ranking, depth: int) -> ranking.Ranking:
    """Anything may be recommended: both by their chance of a purchase, or what is new last where it is no chance."""
    every = np.ones(before.products_count, dtype=np.bool_)
    again = buy_again.rank(before, model.popularity, model.trees, model.discoverer, every, depth=depth, only_due=False)
    are_chances = model.buy_again_method == model.discover_method == "learned"
    scores = new.score if are_chances else new.score - 1 - new.score.max(initial=0.0)
    return ranking.rank(
        np.concatenate([again.person, new.person]),
        np.concatenate([again.product, new.product]),
        np.concatenate([again.score, scores]),
        depth=depth,
    )


def _popular_rankings(before: Histories, buyers: Floats, depth: int) -> tuple[ranking.Ranking, ranking.Ranking]:
    """The most popular products for everybody, with and without those that the person bought."""
    order = np.argsort(-buyers, kind="stable")
    longest = int(np.diff(before.indptr).max(initial=0))
    head = order[: depth + longest]
    width = min(depth, len(buyers))
    product = np.tile(head[:width], before.people_count)
    person = np.repeat(np.arange(before.people_count), width)
    everything = ranking.rank(person, product, buyers[product], depth=depth)

    parts = []
    for people in _blocks(before):
        rows = before.of(people)
        bought = rows.matrix(rows.purchases)[:, head].tocoo()
        scores = np.tile(buyers[head], (len(people), 1))
        is_bought = bought.data > 0
        scores[bought.coords[0][is_bought], bought.coords[1][is_bought]] = -np.inf
        part = ranking.rank_dense(scores, depth=depth)
        parts.append(ranking.Ranking(part.person, part.rank, head[part.product], part.score))
    return everything, _joined(parts)


def _blocks(before: Histories) -> list[Ints]:
    if not before.products_count:
        return []
    everyone = np.arange(before.people_count)
    return [everyone[start : start + discover.BLOCK] for start in range(0, len(everyone), discover.BLOCK)]


def _joined(parts: list[ranking.Ranking]) -> ranking.Ranking:
    """The rankings of consecutive blocks of people as one."""
    nothing = ranking.Ranking(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    every = [nothing, *parts]
    return ranking.Ranking(
        np.concatenate([part.person + max(place - 1, 0) * discover.BLOCK for place, part in enumerate(every)]),
        np.concatenate([part.rank for part in every]),
        np.concatenate([part.product for part in every]),
        np.concatenate([part.score for part in every]),
    )


def _bought_between(acts: Acts, column: NDArray[np.int32], before: Histories, since: int, until: int) -> Ints:
    """Keys of the people and products of the purchases in [since, until), of those known before."""
    chosen = ~acts.is_view & (acts.moment >= since) & (acts.moment < until)
    person, product = acts.person[chosen], column[acts.product[chosen]]
    is_known = (product >= 0) & (before.baskets[person] > 0)
    return np.unique(person[is_known].astype(np.int64) * before.products_count + product[is_known])


def _served(model: Recommender, acts: Acts, products: pa.Table, depth: int) -> dict[str, ranking.Ranking]:
    """The lists as people get them, by name."""
    table = recommend.lists(model, catalogue.of(products, model.products), acts, model.moment, depth)
    person = pc.index_in(table["person_id"], value_set=pa.array(acts.people.astype(object), pa.string()))
    product = pc.index_in(table["product_id"], value_set=pa.array(model.products.astype(object), pa.string()))
    found = {}
    for name in ("buy_again", "discover"):
        chosen = pc.equal(table["list"], name)
        found[name] = ranking.Ranking(
            person=person.filter(chosen).cast(pa.int64()).to_numpy(),
            rank=table["rank"].filter(chosen).to_numpy(),
            product=product.filter(chosen).cast(pa.int64()).to_numpy(),
            score=table["score"].filter(chosen).to_numpy(),
        )
    return found


def _table(each: Measured, version: str, split: str) -> pa.Table:
    names = (f"recall_at_10_{each.kind}", f"ndcg_at_10_{each.kind}")
    value, baseline = each.value.means(), each.baseline.means()
    rows = evaluation.table(
        each.model,
        version,
        split,
        dict(zip(names, value, strict=True)),
        dict(zip(names, baseline, strict=True)),
    )
    around = bootstrap.intervals(
        len(each.value.person), lambda people: dict(zip(names, each.value.of(people).means(), strict=True))
    )
    bounds = zip(*(around[name] for name in names), strict=True)
    for name, values in zip(("value_low", "value_high"), bounds, strict=True):
        rows = rows.append_column(name, pa.array(values, pa.float64()))
    return rows

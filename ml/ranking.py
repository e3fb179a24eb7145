"""Rankings in long form: one row a person and rank, ties broken by product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranking:
    """Parallel arrays, sorted by person and rank; `rank` starts at 1, indices are into sorted ids."""

    person: Ints
    rank: Ints
    product: Ints
    score: Floats

    def take(self, chosen: Bools) -> Ranking:
        """The chosen rows, ranked anew from 1."""
        person = self.person[chosen]
        return Ranking(person, position_in_group(person) + 1, self.product[chosen], self.score[chosen])


def rank(person: Ints, product: Ints, score: Floats, *, depth: int) -> Ranking:
    """The `depth` best products of each person: highest score first, then the lowest product index."""
    order = np.lexsort((product, -score, person))
    person, product, score = person[order], product[order], score[order]
    position = position_in_group(person)
    kept = position < depth
    return Ranking(person[kept], position[kept] + 1, product[kept], score[kept])


def rank_dense(scores: Floats, *, depth: int, first_person: int = 0) -> Ranking:
    """The same for a matrix of scores, shape (people, products); -inf marks what must not be ranked."""
    products_count = scores.shape[1]
    kth = max(products_count - depth, 0)
    threshold = np.partition(scores, kth, axis=1)[:, kth : kth + 1]
    person, product = np.nonzero((scores >= threshold) & (scores > -np.inf))
    return rank(person + first_person, product, scores[person, product], depth=depth)


def cap_groups(ranking: Ranking, group: Ints, *, limit: int, depth: int) -> Ranking:
    """At most `limit` products of one group for each person, then at most `depth`; group -1 has no limit."""
    group_of = group[ranking.product]
    order = np.lexsort((ranking.rank, group_of, ranking.person))
    both = ranking.person[order] * (group.max(initial=0) + 2) + group_of[order] + 1
    place = np.empty(len(order), dtype=np.int64)
    place[order] = position_in_group(both)
    capped = ranking.take((place < limit) | (group_of < 0))
    return capped.take(capped.rank <= depth)


def position_in_group(keys: Ints) -> Ints:
    """0, 1, 2, ... within each run of equal keys."""
    index = np.arange(len(keys))
    is_first = np.ones(len(keys), dtype=bool)
    is_first[1:] = keys[1:] != keys[:-1]
    return index - np.maximum.accumulate(np.where(is_first, index, 0)) if len(keys) else index

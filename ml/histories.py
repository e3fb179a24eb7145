"""What each person did with each product of a catalogue before a moment, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.interactions import MICROSECONDS_A_DAY, Acts, Codes, Ints

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# What a view says of a taste, next to a purchase.
VIEW_WEIGHT = 0.3
# A taste of this many days ago counts half in what somebody wants now.
RECENT_DAYS = 60.0


@dataclass(frozen=True)
class Histories:
    """One entry a person and product that they bought or looked at, in rows of a sparse matrix.

    `product` has the entries' columns, `indptr` where each person's begin; the other arrays are parallel to
    `product`: `purchases` (0 where only looked at), `last` and `first` purchase in days before the moment (inf and
    0 without one), purchases halved every 30 and every 120 days, and `viewed`: 1 for a view now, halved every
    60 days. Days of a purchase are more than zero. The arrays of baskets have one entry a person.
    """

    indptr: Ints
    product: Codes
    purchases: Floats
    last: Floats
    first: Floats
    decayed30: Floats
    decayed120: Floats
    viewed: Floats
    baskets: Floats
    baskets30: Floats
    baskets90: Floats
    last_basket: Floats  # days ago, inf without one
    lines: Floats  # purchases of all products, in the catalogue or not
    products_count: int

    @property
    def people_count(self) -> int:
        return len(self.indptr) - 1

    @property
    def person(self) -> Codes:
        """The entries' rows."""
        return np.repeat(np.arange(self.people_count, dtype=np.int32), np.diff(self.indptr))

    @property
    def taste(self) -> sparse.csr_array:
        """1 for what was bought, less for what was only looked at; shape (people, products)."""
        return self.matrix(np.where(self.purchases > 0, 1.0, VIEW_WEIGHT))

    @property
    def recent_taste(self) -> sparse.csr_array:
        """The same, each halved every 60 days since the last time."""
        bought = 0.5 ** (self.last / RECENT_DAYS)
        return self.matrix(np.maximum(bought, VIEW_WEIGHT * self.viewed))

    def matrix(self, values: NDArray[np.floating]) -> sparse.csr_array:
        """Values of the entries as a matrix, shape (people, products)."""
        parts = (values.astype(np.float32), self.product, self.indptr)
        return sparse.csr_array(parts, shape=(self.people_count, self.products_count))

    def of(self, people: Ints) -> Histories:
        """The histories of these rows, in this order."""
        lengths = np.diff(self.indptr)[people]
        begins = np.cumsum(lengths) - lengths
        entries = np.arange(lengths.sum()) + np.repeat(self.indptr[people] - begins, lengths)
        return Histories(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            self.product[entries],
            self.purchases[entries],
            self.last[entries],
            self.first[entries],
            self.decayed30[entries],
            self.decayed120[entries],
            self.viewed[entries],
            self.baskets[people],
            self.baskets30[people],
            self.baskets90[people],
            self.last_basket[people],
            self.lines[people],
            self.products_count,
        )


def build(acts: Acts, column: Codes, moment: int, products_count: int) -> Histories:
    """The histories of everyone in `acts` strictly before `moment` (microseconds since 1970).

    `column` says where each of `acts.products` stands in the catalogue, -1 where it does not; it must grow with
    the product, so that entries are in the order of the catalogue.
    """
    acts = acts.before(moment)
    days_ago = (moment - acts.moment) / MICROSECONDS_A_DAY
    people_count = len(acts.people)
    is_bought = ~acts.is_view

    kept = column[acts.product] >= 0
    person, product, ago, bought = acts.person[kept], column[acts.product[kept]], days_ago[kept], is_bought[kept]
    starts = np.flatnonzero(np.diff(person, prepend=-1) | np.diff(product, prepend=-1))

    def total(values: NDArray[np.float64]) -> Floats:
        return np.add.reduceat(values, starts).astype(np.float32) if len(starts) else np.empty(0, np.float32)

    def least(values: NDArray[np.float64]) -> Floats:
        return np.minimum.reduceat(values, starts).astype(np.float32) if len(starts) else np.empty(0, np.float32)

    rows = np.bincount(person[starts], minlength=people_count)
    baskets = _baskets(acts, days_ago, people_count)
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(rows)]).astype(np.int64),
        product=product[starts],
        purchases=total(bought.astype(float)),
        last=least(np.where(bought, ago, np.inf)),
        first=-least(np.where(bought, -ago, 0.0)),
        decayed30=total(np.where(bought, 0.5 ** (ago / 30), 0.0)),
        decayed120=total(np.where(bought, 0.5 ** (ago / 120), 0.0)),
        viewed=(0.5 ** (least(np.where(bought, np.inf, ago)) / RECENT_DAYS)).astype(np.float32),
        baskets=baskets[0],
        baskets30=baskets[1],
        baskets90=baskets[2],
        last_basket=baskets[3],
        lines=np.bincount(acts.person[is_bought], minlength=people_count).astype(np.float32),
        products_count=products_count,
    )


def _baskets(acts: Acts, days_ago: NDArray[np.float64], people_count: int) -> list[Floats]:
    """Distinct moments of purchase: all, of 30 and of 90 days, and the days since the last."""
    bought = ~acts.is_view
    person, moment, ago = acts.person[bought], acts.moment[bought], days_ago[bought]
    order = np.lexsort((moment, person))
    person, moment, ago = person[order], moment[order], ago[order]
    is_new = (np.diff(person, prepend=-1) != 0) | (np.diff(moment, prepend=-1) != 0)
    person, ago = person[is_new], ago[is_new]
    last = np.full(people_count, np.inf)
    last[person] = ago  # the latest of a person comes last
    counted = [person, person[ago <= 30], person[ago <= 90]]
    counts = [np.bincount(each, minlength=people_count) for each in counted]
    return [values.astype(np.float32) for values in (*counts, last)]

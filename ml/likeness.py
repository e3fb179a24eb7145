"""What kind of shopper a person is, in 32 numbers: a truncated singular value decomposition.

PureSVD: Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N Recommendation Tasks", RecSys
2010, https://doi.org/10.1145/1864708.1864721. It finds what similar people bought where no pair of products was
bought together often, which neighbours miss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

COMPONENTS = 32
# Popular products say less: the weight of a purchase falls with the root of its buyers, of whom these are imagined.
SHRINKAGE = 20.0
# Tastes are alike everywhere: more people do not change 32 directions.
MAX_PEOPLE = 50_000

Floats = NDArray[np.float32]


def fit(taste: sparse.csr_array, buyers: NDArray[np.float64], *, components: int = COMPONENTS) -> Floats:
    """The directions of taste, shape (products, components); fewer where there are fewer people or products."""
    people = np.flatnonzero(np.diff(taste.indptr))
    people = people[:: max(1, len(people) // MAX_PEOPLE)]
    chosen = _weighted(taste[people], buyers)
    count = min(components, *(side - 1 for side in chosen.shape))
    if count < 1:
        return np.zeros((taste.shape[1], 1), np.float32)
    with threadpool_limits(limits=1):
        _, _, directions = randomized_svd(chosen, count, n_iter=4, random_state=0)
    return np.ascontiguousarray(directions.T, dtype=np.float32)


def places(taste: sparse.csr_array, buyers: NDArray[np.float64], directions: Floats) -> Floats:
    """Where people stand along the directions, shape (people, components); a product is near by its dot product."""
    placed: Floats = _weighted(taste, buyers) @ directions
    return placed


def _weighted(taste: sparse.csr_array, buyers: NDArray[np.float64]) -> sparse.csr_array:
    # Each entry by itself, so that a person alone and among others gets the same bits.
    by_product = (1 / np.sqrt(buyers + SHRINKAGE)).astype(np.float32)
    by_person = (1 / np.sqrt(1.0 + np.diff(taste.indptr))).astype(np.float32)
    values = taste.data * by_product[taste.indices] * np.repeat(by_person, np.diff(taste.indptr))
    return sparse.csr_array((values, taste.indices, taste.indptr), shape=taste.shape)

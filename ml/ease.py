"""EASE with few weights a product: each product is predicted by its nearest neighbours alone.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, https://arxiv.org/abs/1905.03375, solves one
ridge regression a product over all others; here it is over the products that were bought together with it most, as
in SLIM with neighbours (Ning and Karypis, ICDM 2011, https://doi.org/10.1109/ICDM.2011.134) and the sparse
approximation of Steck, "Markov Random Fields for Collaborative Filtering", NeurIPS 2019,
https://arxiv.org/abs/1910.09645. No inverse of all products by all products is needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

NEIGHBOURS = 100
REGULARISATION = 100.0
# A neighbour with few buyers must not look near by chance: the cosine is shrunk by as many imagined buyers.
SHRINKAGE = 20.0
BLOCK = 256


def fit(
    taste: sparse.csr_array, *, neighbours: int = NEIGHBOURS, regularisation: float = REGULARISATION
) -> sparse.csr_array:
    """Weights from what a person has (rows) to what they may want (columns), `neighbours` in each column at most.

    `taste` has shape (people, products). The memory is four bytes for each pair of products: 400 MB for 10,000.
    One thread does the sums, so that they are rounded the same way each time.
    """
    size = taste.shape[1]
    near = min(neighbours, size - 1)
    if near < 1:
        return sparse.csr_array((size, size), dtype=np.float32)
    with threadpool_limits(limits=1):
        gram = _gram(taste)
        source = np.empty((size, near), np.int32)
        weight = np.empty((size, near), np.float32)
        norm = np.sqrt(gram.diagonal() + np.float32(SHRINKAGE))
        for start in range(0, size, BLOCK):
            target = np.arange(start, min(start + BLOCK, size))
            likeness = gram[target] / norm
            likeness[np.arange(len(target)), target] = -1.0
            chosen = np.sort(np.argpartition(-likeness, near - 1, axis=1)[:, :near], axis=1)
            source[target] = chosen
            among = gram[chosen[:, :, None], chosen[:, None, :]].astype(np.float64)
            among[:, np.arange(near), np.arange(near)] += regularisation
            with_target = gram[target[:, None], chosen].astype(np.float64)
            weight[target] = np.linalg.solve(among, with_target[:, :, None])[:, :, 0]
    column = np.repeat(np.arange(size, dtype=np.int32), near)
    weights = sparse.csr_array((weight.ravel(), (source.ravel(), column)), shape=(size, size))
    weights.eliminate_zeros()
    weights.sort_indices()
    return weights


def _gram(taste: sparse.csr_array) -> NDArray[np.float32]:
    """taste.T @ taste, dense, some rows at a time."""
    size = taste.shape[1]
    by_product = sparse.csr_array(taste.T)
    gram = np.empty((size, size), np.float32)
    for start in range(0, size, BLOCK):
        gram[start : start + BLOCK] = (by_product[start : start + BLOCK] @ taste).toarray()
    return gram

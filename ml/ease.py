"""EASE: a linear autoencoder over products, solved in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, https://arxiv.org/abs/1905.03375.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK = 512


@dataclass(frozen=True)
class Ease:
    """B = I - P / diag(P) with P = (X'X + λI)^-1, kept as the smaller of two inverses.

    With fewer people than products it keeps K = (XX' + λI)^-1, shape (people, people), from which
    P = (I - X'KX) / λ and XP = KX (Woodbury); otherwise P itself, shape (products, products).
    """

    history: sparse.csr_array  # X: people by products, 0 or 1
    inverse: Floats
    diagonal: Floats  # of P, shape (products,)
    regularisation: float
    is_dual: bool

    def scores(self, people: Ints) -> Floats:
        """How strongly the histories of these rows speak for each product; shape (people, products)."""
        rows = self.history[people]
        projected = _dot(self.inverse[people], self.history) if self.is_dual else rows @ self.inverse
        return rows.toarray() - projected / self.diagonal

    def weights(self, products: Ints) -> Floats:
        """What a purchase of each product adds to these ones, columns of B; shape (products, chosen)."""
        if self.is_dual:
            chosen = self.history[:, products].toarray()
            precision = -(self.history.T @ (self.inverse @ chosen)) / self.regularisation
        else:
            precision = self.inverse[:, products]
        weights = -precision / self.diagonal[products]
        weights[products, np.arange(len(products))] = 0.0
        return weights


def fit(history: sparse.csr_array, *, regularisation: float = 500.0) -> Ease:
    """Fit on who bought what; memory is the square of the smaller side, 800 MB for 10,000.

    `history` is 0 or 1, shape (people, products), neither of them empty.
    """
    people_count, products_count = history.shape
    if people_count >= products_count:
        inverse = _inverse(_gram(sparse.csr_array(history.T)), regularisation)
        return Ease(history, inverse, inverse.diagonal().copy(), regularisation, is_dual=False)
    inverse = _inverse(_gram(history), regularisation)
    explained = np.zeros(products_count)
    for start in range(0, people_count, BLOCK):
        rows = history[start : start + BLOCK]
        explained += (rows * _dot(inverse[start : start + BLOCK], history)).sum(axis=0)
    return Ease(history, inverse, (1.0 - explained) / regularisation, regularisation, is_dual=True)


def _gram(rows: sparse.csr_array) -> Floats:
    """rows @ rows.T as a dense matrix in Fortran order, a block at a time to stay within memory."""
    size = rows.shape[0]
    gram = np.empty((size, size), order="F")
    transposed = sparse.csr_array(rows.T)
    for start in range(0, size, BLOCK):
        # The product is symmetric, so that a block of rows may be written as a block of columns.
        gram[:, start : start + BLOCK] = (rows[start : start + BLOCK] @ transposed).toarray().T
    return gram


def _inverse(gram: Floats, regularisation: float) -> Floats:
    """The inverse of gram + λI through Cholesky, in the memory of `gram`."""
    gram[np.diag_indices_from(gram)] += regularisation
    factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    if not failed:
        factor, failed = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise ValueError(f"EASE needs a positive regularisation, not {regularisation}.")
    for start in range(0, len(factor), BLOCK):
        stop = start + BLOCK
        factor[start:stop, stop:] = factor[stop:, start:stop].T
        square = factor[start:stop, start:stop]
        square[:] = np.tril(square) + np.tril(square, -1).T
    return factor


def _dot(dense: Floats, rows: sparse.csr_array) -> Floats:
    return (rows.T @ dense.T).T

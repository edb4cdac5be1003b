"""Implicitly centred rows: products with their scatter matrix, one pass over X each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array, FloatArray
from algos._common.threads import one_thread_blas
from algos._cython.pca_covariance import scatter_matrix
from algos._cython.pca_power import power_step
from algos.pca.moments import Moments, column_mean_and_squares, gather
from algos.pca.sparse_rows import SparseRows, is_sparse

BLOCK = 64  # rows that are centred explicitly at a time, where needed


class CenteredRows:
    """Centred dense rows, for solvers that need only products.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    n_threads : int
    guess : ndarray of shape (d,), default=None
        An approximation of the mean.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    total : float
        Sum of the squares of all centred values.
    """

    def __init__(self, X: FloatArray, n_threads: int, guess: Float64Array | None = None) -> None:
        self.X = X
        self.n_threads = n_threads
        self.mean, squares = column_mean_and_squares(X, n_threads, guess)
        self.total = float(squares.sum())
        self._shift: FloatArray = self.mean.astype(X.dtype)
        self._delta = self.mean - self._shift  # the rounding error of the shift

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean."""
        return self.total / len(self.X)

    @property
    def dtype(self) -> Any:
        """The dtype of the data."""
        return self.X.dtype

    @property
    def eps(self) -> float:
        """The rounding unit of the products."""
        return float(np.finfo(self.X.dtype).eps)

    def rounded(self, Q: Float64Array) -> Float64Array:
        """Return the rows of Q as rounded for a product."""
        return Q.astype(self.X.dtype).astype(np.float64)

    def scatter_times(self, Q: Float64Array) -> Float64Array:
        """Return Q Xc' Xc in one pass over X; the rows of Q are vectors of length d."""
        out = np.empty(Q.shape)
        basis = np.ascontiguousarray(Q, dtype=self.X.dtype)
        power_step(self.X, self._shift, basis, out, self.n_threads)
        along = basis.astype(np.float64) @ self._delta
        out -= np.outer(len(self.X) * along, self._delta)
        return out

    def coordinates(self, Q: Float64Array) -> Float64Array:
        """Return Xc Q' in double, whatever the dtype of the data."""
        return np.concatenate([rows @ Q.T for rows, _ in self._blocks()])

    def combined(self, U: Float64Array) -> Float64Array:
        """Return U' Xc in double, whatever the dtype of the data."""
        out = np.zeros((U.shape[1], self.X.shape[1]))
        for rows, start in self._blocks():
            out += U[start : start + len(rows)].T @ rows
        return out

    def _blocks(self) -> Iterator[tuple[Float64Array, int]]:
        """Yield blocks of centred rows and their first index."""
        for start in range(0, len(self.X), BLOCK):
            yield self.X[start : start + BLOCK] - self.mean, start

    def moments(self) -> Moments:
        """Return the moments of the rows; d**2 numbers must fit into memory."""
        return gather(self.X, self.n_threads)

    def inner_products(self) -> tuple[Float64Array, Callable[[Float64Array], Float64Array]]:
        """Return Xc Xc', and a function from U to U Xc; together they hold one copy of X."""
        X, n = self.X, len(self.X)
        centered = np.ascontiguousarray((X - self.mean.astype(X.dtype)).T)
        gram, sums = np.empty((n, n)), np.empty(n)
        scatter_matrix(centered, np.zeros(n, X.dtype), gram, sums, self.n_threads)

        def combine(U: Float64Array) -> Float64Array:
            with one_thread_blas():
                combined: Float64Array = (centered @ U.T.astype(X.dtype)).T.astype(np.float64)
            return combined

        return gram, combine


Rows = CenteredRows | SparseRows


def centered(X: Any, n_threads: int) -> Rows:
    """Return the centred rows of a dense or CSR X."""
    return SparseRows(X, n_threads) if is_sparse(X) else CenteredRows(X, n_threads)

"""Implicitly centred CSR rows: products, moments and projections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from algos._common.arrays import Float64Array, FloatArray, IndexArray
from algos._common.csr import csr_rows
from algos._cython.pca_sparse_covariance import csr_moments, csr_scatter_matrix
from algos._cython.pca_sparse_power import csr_power_step, csr_project
from algos.pca.moments import Moments, require_room

Csr = Any  # csr_array or csr_matrix

MOST_OFFSET = 4.0  # squares relative to those of the centred rows, up to which float32 suffices


class SparseRows:
    """Centred CSR rows, for solvers that need only products.

    All sums are in double precision, whatever the dtype of the data.

    Attributes
    ----------
    X : csr_array or csr_matrix
        As `algos._common.csr.canonical` returns it.
    mean : ndarray of shape (d,)
    total : float
        Sum of the squares of all centred values.
    """

    eps = float(np.finfo(np.float64).eps)  # of the products

    def __init__(self, X: Csr, n_threads: int) -> None:
        self.X, self.n_threads = X, n_threads
        self._csr = csr_rows(X)
        n, d = X.shape
        counts, sums, from_zero = self._moments(np.zeros(d))
        self.counts, self.mean = counts, sums / n
        _, sums, squares = self._moments(self.mean)
        self.mean = self.mean + (sums - (n - counts) * self.mean) / n  # corrects rounding
        self.total = float((squares + (n - counts) * self.mean**2).sum())
        self._offset = float(from_zero.sum()) / (self.total or 1)

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean."""
        return self.total / self.X.shape[0]

    @property
    def dtype(self) -> Any:
        """The dtype of the data."""
        return self.X.dtype

    def rounded(self, Q: Float64Array) -> Float64Array:
        """Return Q, since products use double precision."""
        return Q

    def scatter_times(self, Q: Float64Array) -> Float64Array:
        """Return Q Xc' Xc in one pass over X; the rows of Q are vectors of length d."""
        return self._scatter_times(Q, is_short=False)

    def fast(self) -> SparseRows | ShortProducts:
        """Return the fastest products that are as accurate as the data."""
        is_short = self.dtype == np.float32 and self._offset <= MOST_OFFSET
        return ShortProducts(self) if is_short else self

    def moments(self) -> Moments:
        """Return the moments of the rows; d**2 numbers must fit into memory."""
        n, d = self.X.shape
        require_room(d)
        shift = self._shift()
        _, sums, _ = self._moments(shift)
        products = np.empty((d, d))
        csr_scatter_matrix(self._csr, shift, self._shares(), products, self.n_threads)
        delta = sums / n
        products -= n * np.outer(delta, delta)
        return Moments(n, shift + delta, products)

    def inner_products(self) -> tuple[Float64Array, Callable[[Float64Array], Float64Array]]:
        """Return Xc Xc', and a function from U to U Xc."""
        shift = self._shift()
        values = self.X.data.astype(np.float64) - shift[self.X.indices]
        arrays = values, self.X.indices, self.X.indptr
        X, mean = sparse.csr_array(arrays, shape=self.X.shape), self.mean - shift
        along = X @ mean
        gram = (X @ X.T).toarray() - along - along[:, None] + mean @ mean

        def combine(U: Float64Array) -> Float64Array:
            combined: Float64Array = (X.T @ U.T).T - np.outer(U.sum(axis=1), mean)
            return combined

        return gram, combine

    def _scatter_times(self, Q: Float64Array, *, is_short: bool) -> Float64Array:
        Q = np.ascontiguousarray(Q)
        out, sums = np.empty(Q.shape), np.empty(len(Q))
        csr_power_step(self._csr, Q, Q @ self.mean, out, sums, is_short, self.n_threads)
        out -= np.outer(sums, self.mean)
        return out

    def _shift(self) -> Float64Array:
        """Return the mean of columns without zeros, which may be far from zero; 0 for others."""
        shift: Float64Array = np.where(self.counts == self.X.shape[0], self.mean, 0.0)
        return shift

    def _moments(self, shift: Float64Array) -> Float64Array:
        """Return the number of stored values by column, and their shifted sums and squares."""
        found = np.empty((3, len(shift)))
        csr_moments(self._csr, shift, found, self.n_threads)
        return found

    def _shares(self) -> IndexArray:
        """Return column boundaries that divide the work of the scatter matrix equally."""
        d, n_parts = len(self.counts), 4 * self.n_threads if self.n_threads > 1 else 1
        later = 1 - np.cumsum(self.counts) / max(self.counts.sum(), 1)
        work = np.cumsum(self.counts * later + 1)
        cuts = np.searchsorted(work, np.arange(1, n_parts) / n_parts * work[-1])
        return np.concatenate([[0], cuts, [d]]).astype(np.intp)


class ShortProducts:
    """Products of float32 rows in float32, with partial sums added up in double.

    Parameters
    ----------
    rows : SparseRows
        With norms not much larger than their distances from the mean.
    """

    eps = float(np.finfo(np.float32).eps)

    def __init__(self, rows: SparseRows) -> None:
        self.rows = rows

    @property
    def dtype(self) -> Any:
        """The dtype of the data."""
        return self.rows.dtype

    def rounded(self, Q: Float64Array) -> Float64Array:
        """Return the rows of Q as rounded for a product."""
        return Q.astype(np.float32).astype(np.float64)

    def scatter_times(self, Q: Float64Array) -> Float64Array:
        """Return Q Xc' Xc in one pass over X; the rows of Q are vectors of length d."""
        return self.rows._scatter_times(Q, is_short=True)


def projected_sparse(X: Csr, shift: FloatArray, vectors: FloatArray, n_threads: int) -> FloatArray:
    """Return (X - shift) vectors' in the dtype of X."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    out = np.zeros((X.shape[0], len(vectors)), X.dtype)
    if out.size:
        center = vectors @ shift.astype(np.float64)
        csr_project(csr_rows(X), vectors, center, out, n_threads)
    return out


def squared_norms(X: Csr, shift: Float64Array) -> Float64Array:
    """Return the squared norm of each row after subtracting the shift, without cancellation.

    Stored values contribute directly. A gap between two stored values contributes a
    difference of cumulative sums over the columns, in ascending order of the shift, so that no
    more than rounding of the gap cancels.
    """
    n, d = X.shape
    order = np.argsort(np.abs(shift), kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(shift[order] ** 2)])
    place = np.empty(d, X.indices.dtype)
    place[order] = np.arange(d)
    X = sparse.csr_array((X.data, place[X.indices], X.indptr), shape=X.shape)
    X.sort_indices()
    row = np.repeat(np.arange(n), np.diff(X.indptr))
    terms = (X.data.astype(np.float64) - shift[order][X.indices]) ** 2
    # The gap before each value, and the one that ends its row.
    first = np.concatenate([[True], row[1:] != row[:-1]])[: len(row)]
    start = np.where(first, 0, np.roll(X.indices, 1) + 1)
    terms += sums[X.indices] - sums[start]
    last = np.zeros(n, np.intp)
    last[row] = X.indices + 1
    norms: Float64Array = np.bincount(row, weights=terms, minlength=n) + (sums[d] - sums[last])
    return norms


def is_sparse(X: Any) -> bool:
    """Tell whether X is a SciPy sparse matrix or array."""
    return bool(sparse.issparse(X))

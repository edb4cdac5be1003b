"""CSR rows less their mean, which are never written down: products, moments, projections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._cython._csr import CsrRows
from algos._cython.pca_sparse_covariance import csr_moments, csr_scatter_matrix
from algos._cython.pca_sparse_power import csr_power_step, csr_project
from algos.pca.moments import Doubles, Moments, require_room

Floats = NDArray[Any]
Csr = Any  # csr_array or csr_matrix


def canonical(X: Csr) -> Csr:
    """Return X with ascending columns in each row and one value for each; X itself if it is so."""
    csr_arrays(X)  # whose check comes before SciPy's walk through the indices
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def csr_arrays(X: Csr) -> tuple[Floats, NDArray[Any], NDArray[Any]]:
    """Return (data, indices, indptr) as the kernels take them, no index beyond the matrix."""
    kinds = X.indices.dtype, X.indptr.dtype
    kind = kinds[0] if kinds in ((np.int32,) * 2, (np.int64,) * 2) else np.dtype(np.int64)
    arrays = (
        np.ascontiguousarray(X.data),
        np.ascontiguousarray(X.indices, dtype=kind),
        np.ascontiguousarray(X.indptr, dtype=kind),
    )
    CsrRows(*arrays, X.shape[1])
    return arrays


class SparseRows:
    """CSR rows less their mean, for solvers that need nothing but products.

    All sums are made in double precision, whatever the type of the data.

    Attributes
    ----------
    X : csr_array or csr_matrix
    mean : ndarray of shape (d,)
    total : float
        Sum of the squares of all centred values.
    """

    eps = float(np.finfo(np.float64).eps)  # of the products

    def __init__(self, X: Csr, n_threads: int) -> None:
        self.X, self.n_threads = X, n_threads
        self._arrays = csr_arrays(X)
        n, d = X.shape
        counts, sums, _ = self._moments(np.zeros(d))
        self.counts, self.mean = counts, sums / n
        _, sums, squares = self._moments(self.mean)
        self.mean = self.mean + (sums - (n - counts) * self.mean) / n  # what rounding has left
        self.total = float((squares + (n - counts) * self.mean**2).sum())

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean."""
        return self.total / self.X.shape[0]

    @property
    def dtype(self) -> Any:
        """Type of the data."""
        return self.X.dtype

    def rounded(self, Q: Doubles) -> Doubles:
        """Return Q: a product sees its vectors in double."""
        return Q

    def scatter_times(self, Q: Doubles) -> Doubles:
        """Return Q Xc' Xc in one pass over X; the rows of Q are vectors of length d."""
        Q = np.ascontiguousarray(Q)
        out, sums = np.empty(Q.shape), np.empty(len(Q))
        csr_power_step(*self._arrays, Q, Q @ self.mean, out, sums, self.n_threads)
        out -= np.outer(sums, self.mean)
        return out

    def moments(self) -> Moments:
        """Return the moments of the rows, for columns that are not too many."""
        n, d = self.X.shape
        require_room(d)
        shift = self._shift()
        _, sums, _ = self._moments(shift)
        products = np.empty((d, d))
        csr_scatter_matrix(*self._arrays, shift, self._shares(), products, self.n_threads)
        delta = sums / n
        products -= n * np.outer(delta, delta)
        return Moments(n, shift + delta, products)

    def inner_products(self) -> tuple[Doubles, Callable[[Doubles], Doubles]]:
        """Return Xc Xc', and what makes U Xc of U."""
        shift = self._shift()
        data, indices, indptr = self._arrays
        values = data.astype(np.float64) - shift[indices]
        X, mean = sparse.csr_array((values, indices, indptr), shape=self.X.shape), self.mean - shift
        along = X @ mean
        gram = (X @ X.T).toarray() - along - along[:, None] + mean @ mean

        def combine(U: Doubles) -> Doubles:
            combined: Doubles = (X.T @ U.T).T - np.outer(U.sum(axis=1), mean)
            return combined

        return gram, combine

    def _shift(self) -> Doubles:
        """Return where columns without zeros lie, which may be far from zero; 0 for others."""
        shift: Doubles = np.where(self.counts == self.X.shape[0], self.mean, 0.0)
        return shift

    def _moments(self, shift: Doubles) -> Doubles:
        """Return how many values each column stores, their sums and squares less the shift."""
        found = np.empty((3, len(shift)))
        csr_moments(*self._arrays, shift, found, self.n_threads)
        return found

    def _shares(self) -> NDArray[np.intp]:
        """Return bounds between columns that make equal parts of the scatter's work."""
        d, n_parts = len(self.counts), 4 * self.n_threads if self.n_threads > 1 else 1
        later = 1 - np.cumsum(self.counts) / max(self.counts.sum(), 1)
        work = np.cumsum(self.counts * later + 1)
        cuts = np.searchsorted(work, np.arange(1, n_parts) / n_parts * work[-1])
        return np.concatenate([[0], cuts, [d]]).astype(np.intp)


def projected_sparse(X: Csr, shift: Floats, vectors: Floats, n_threads: int) -> Floats:
    """Return (X - shift) vectors' in the dtype of X."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    out = np.zeros((X.shape[0], len(vectors)), X.dtype)
    if out.size:
        center = vectors @ shift.astype(np.float64)
        csr_project(*csr_arrays(X), vectors, center, out, n_threads)
    return out


def squared_norms(X: Csr, shift: Doubles) -> Doubles:
    """Return the squared length of each row less the shift, without cancellation.

    What a row stores counts for itself, and every gap between two stored values is a
    difference of sums over the columns, the least shift first: no more of them cancels
    than rounding of the gap.
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
    norms: Doubles = np.bincount(row, weights=terms, minlength=n) + (sums[d] - sums[last])
    return norms


def is_sparse(X: Any) -> bool:
    """Tell whether X is a matrix of SciPy's."""
    return bool(sparse.issparse(X))

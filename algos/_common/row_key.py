"""Row keys: seeded hashes, so that randomness depends on a row's content, never on its position."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from algos._common.random import Key
from algos._cython import row_hash


def row_keys(
    X: Any, key: Key, y: ArrayLike | None = None, *, n_threads: int = 1
) -> NDArray[np.uint64]:
    """Return a seeded 64-bit hash of the content of each row.

    Equal rows have equal keys in any representation: float32 or float64, dense or CSR with any
    index type, zeros stored or not, -0 or 0. Different rows have different keys, except for
    about one pair in 2^60.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_columns), float32 or float64
        Finite values.
    key : ndarray of shape (2,), dtype uint64
        The seed, see `algos._common.random.seed_key`.
    y : array-like of shape (n_rows,), default=None
        Targets, as a part of the rows' content.
    n_threads : int, default=1
        Does not change the keys.

    Returns
    -------
    keys : ndarray of shape (n_rows,), dtype uint64
    """
    sums, target_factor = _sums(X, key, n_threads)
    return _finished(sums, target_factor, key, y)


def row_and_target_keys(
    X: Any, key: Key, y: ArrayLike, *, n_threads: int = 1
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return `row_keys` of X alone and of X with y, from one pass over X."""
    sums, target_factor = _sums(X, key, n_threads)
    return (
        _finished(sums.copy(), target_factor, key, None),
        _finished(sums, target_factor, key, y),
    )


def _sums(X: Any, key: Key, n_threads: int) -> tuple[NDArray[np.uint64], int]:
    """Return each row's hash sum, and the factor of targets."""
    n_rows, n_columns = X.shape
    factors = np.empty(n_columns, dtype=np.uint64)
    target_factor = row_hash.column_factors(key, factors)
    sums = np.zeros(n_rows, dtype=np.uint64)
    if sparse.issparse(X):
        X = _without_duplicates(X)
        row_hash.add_csr(X.data, X.indices, X.indptr, factors, sums, n_threads)
    else:
        row_hash.add_dense(np.ascontiguousarray(X), factors, sums, n_threads)
    return sums, target_factor


def _finished(
    sums: NDArray[np.uint64], target_factor: int, key: Key, y: ArrayLike | None
) -> NDArray[np.uint64]:
    if y is not None:
        row_hash.add_target(np.ascontiguousarray(y, dtype=np.float64), target_factor, sums)
    row_hash.finish(key, sums)
    return sums


def _without_duplicates(X: Any) -> Any:
    """Return X with duplicate entries summed; the caller's matrix is not changed."""
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X

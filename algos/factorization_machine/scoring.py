"""Scores, embeddings and interactions of fitted parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._cython.fm_scores import fm_scores, fm_sums
from algos.factorization_machine.rows import Rows

Doubles = NDArray[np.float64]
Arrays = tuple[NDArray[Any] | None, NDArray[np.int32] | None, NDArray[np.int64] | None]


def scores(
    rows: Any,
    intercept: float,
    linear: NDArray[Any],
    factors: NDArray[Any],
    n_threads: int = 1,
) -> Doubles:
    """Return the score of each row, of shape (n,), by one model.

    Parameters
    ----------
    rows : Rows, ndarray or canonical CSR matrix of shape (n, d)
    intercept : float
    linear : ndarray of shape (d,)
    factors : ndarray of shape (d, rank)
    n_threads : int, default=1
    """
    return scores_of_models(rows, [intercept], linear[:, np.newaxis], factors, n_threads)[:, 0]


def scores_of_models(
    rows: Any,
    intercepts: Any,
    linear: NDArray[Any],
    factors: NDArray[Any],
    n_threads: int = 1,
) -> Doubles:
    """Return the scores of each row by several models, of shape (n, n_models).

    Parameters
    ----------
    rows : Rows, ndarray or canonical CSR matrix of shape (n, d)
    intercepts : array-like of shape (n_models,)
    linear : ndarray of shape (d, n_models), float32 or float64
    factors : ndarray of shape (d, n_models * rank), of the same type
    n_threads : int, default=1
    """
    intercepts = np.ascontiguousarray(intercepts, dtype=np.float64)
    values, indices, indptr, n = _arrays_of(rows)
    out = np.empty((n, len(intercepts)))
    linear = np.ascontiguousarray(linear, dtype=factors.dtype)
    factors = np.ascontiguousarray(factors)
    fm_scores(values, indices, indptr, intercepts, linear, factors, out, n_threads)
    return out


def embeddings(rows: Any, factors: NDArray[Any], n_threads: int = 1) -> Doubles:
    """Return the sum of each row's factors times its values, of shape (n, rank)."""
    values, indices, indptr, n = _arrays_of(rows)
    out = np.empty((n, factors.shape[1]))
    fm_sums(values, indices, indptr, np.ascontiguousarray(factors), out, n_threads)
    return out


def _arrays_of(
    rows: Any,
) -> tuple[NDArray[Any] | None, NDArray[np.int32] | None, NDArray[np.int64] | None, int]:
    if isinstance(rows, Rows):
        # Cython's fused type needs an array to choose by.
        return rows.values, rows.indices, rows.indptr, rows.n
    if sparse.issparse(rows):
        return (
            rows.data,
            rows.indices.astype(np.int32, copy=False),
            rows.indptr.astype(np.int64, copy=False),
            rows.shape[0],
        )
    return np.ascontiguousarray(rows).ravel(), None, None, len(rows)

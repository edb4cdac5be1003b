"""Scores, embeddings and interactions of fitted parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array, Int64Array
from algos._common.scale import exponent_of, scaled
from algos._cython.fm_scores import fm_scores, fm_sums
from algos.factorization_machine.rows import Columns, Rows


def scores(
    rows: Any,
    intercept: float,
    linear: NDArray[Any],
    factors: NDArray[Any],
    n_threads: int = 1,
) -> Float64Array:
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
) -> Float64Array:
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
    with np.errstate(over="ignore", invalid="ignore"):
        has_overflown = not np.isfinite(out.sum())
    if has_overflown:
        places = np.flatnonzero(~np.isfinite(out).all(axis=1))
        if isinstance(rows, Rows):
            part = rows.take(places)
        else:
            part = Columns(len(linear)).rows(rows[places])
        if part.stored:
            out[places] = _extreme_scores(part, intercepts, linear, factors)
    return out


def _extreme_scores(
    rows: Rows, intercepts: Float64Array, linear: NDArray[Any], factors: NDArray[Any]
) -> Float64Array:
    """Return scores whose squares overflow, by scaling values and parameters to about 1.

    They are infinite where they overflow themselves, and never NaN.
    """
    used, places = np.unique(rows.indices, return_inverse=True)
    indices = places.astype(np.int32)
    values = np.ones(rows.stored) if rows.values is None else rows.values.astype(np.float64)
    linear, factors = linear[used].astype(np.float64), factors[used].astype(np.float64)
    of_linear, of_factors = exponent_of(linear), exponent_of(factors)
    linear, factors = scaled(linear, of_linear), scaled(factors, of_factors)
    of_rows = np.zeros(rows.n, dtype=np.int64)
    owners = np.repeat(np.arange(rows.n), np.diff(rows.indptr))
    np.maximum.at(of_rows, owners, np.frexp(values)[1])
    values = np.ldexp(values, -of_rows[owners])
    nothing = np.zeros(len(intercepts))
    straight, pairs = np.empty((2, rows.n, len(intercepts)))
    of_rows = of_rows[:, np.newaxis]
    kept = np.zeros_like(factors)
    fm_scores(values, indices, rows.indptr, nothing, linear, kept, straight, 1)
    kept = np.zeros_like(linear)
    fm_scores(values, indices, rows.indptr, nothing, kept, factors, pairs, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        straight = np.ldexp(straight, of_rows + of_linear)
        pairs = np.ldexp(pairs, 2 * (of_rows + of_factors))
        return np.where(np.isinf(pairs), pairs, intercepts + straight + pairs)


def in_dtype(numbers: Float64Array, dtype: Any) -> NDArray[Any]:
    """Return numbers in a dtype, infinite where they overflow it."""
    with np.errstate(over="ignore"):
        return numbers.astype(dtype, copy=False)


def embeddings(rows: Any, factors: NDArray[Any], n_threads: int = 1) -> Float64Array:
    """Return the sum of each row's factors times its values, of shape (n, rank)."""
    values, indices, indptr, n = _arrays_of(rows)
    out = np.empty((n, factors.shape[1]))
    fm_sums(values, indices, indptr, np.ascontiguousarray(factors), out, n_threads)
    return out


def _arrays_of(
    rows: Any,
) -> tuple[NDArray[Any] | None, NDArray[np.int32] | None, Int64Array | None, int]:
    if isinstance(rows, Rows):
        return rows.values, rows.indices, rows.indptr, rows.n
    if sparse.issparse(rows):
        return (
            rows.data,
            rows.indices.astype(np.int32, copy=False),
            rows.indptr.astype(np.int64, copy=False),
            rows.shape[0],
        )
    return np.ascontiguousarray(rows).ravel(), None, None, len(rows)

"""Mean and variance of columns, in one pass unless the initial guess of the mean was far off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._cython._csr import CsrRows
from algos._cython.column_moments import column_moments
from algos._cython.sparse_moments import sparse_moments

SAMPLE = 256  # rows whose mean is the initial guess


def guessed_mean(X: NDArray[Any]) -> Float64Array:
    """Return the mean of a few evenly spaced rows."""
    mean: Float64Array = X[:: -(-len(X) // SAMPLE)].mean(axis=0, dtype=np.float64)
    return mean


def is_far(delta: Float64Array, origin: NDArray[Any], variance: Float64Array) -> bool:
    """Return whether a guessed mean is so far off that cancellation spoils the variance."""
    rounding = 4 * np.finfo(origin.dtype).eps * np.abs(origin.astype(np.float64))
    far = np.abs(delta) > np.maximum(10 * np.sqrt(np.maximum(variance, 0)), rounding)
    return bool(far.any())


def column_mean_and_variance(
    X: NDArray[Any], weight: Float64Array | None, n_threads: int, guess: Float64Array | None = None
) -> tuple[Float64Array, Float64Array]:
    """Return the weighted mean and variance of each column.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-ordered
    weight : ndarray of shape (n,), float64, or None
    n_threads : int
    guess : ndarray of shape (d,), default=None
        Approximate mean; None takes that of a few rows.

    Returns
    -------
    mean, variance : ndarray of shape (d,), float64
    """
    total = len(X) if weight is None else weight.sum()
    sums, squares = moments = np.empty((2, X.shape[1]))
    guess = guessed_mean(X) if guess is None else guess
    for _ in range(2):
        origin = guess.astype(X.dtype)
        column_moments(X, weight, origin, moments, n_threads)
        delta = sums / total
        variance = squares / total - delta**2
        guess = origin + delta
        if not is_far(delta, origin, variance):
            break
    return guess, np.maximum(variance, 0)


def joined_scatter(
    n_a: float,
    mean_a: Float64Array,
    scatter_a: Float64Array,
    n_b: float,
    mean_b: Float64Array,
    scatter_b: Float64Array,
) -> tuple[Float64Array, Float64Array]:
    """Return mean and scatter of the union of two sets of rows, of sizes or weights n_a and n_b.

    Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance", eq. 2.1.
    """
    n = n_a + n_b
    step = mean_b - mean_a
    scatter = np.multiply.outer((n_a * n_b / n) * step, step)
    scatter += scatter_a
    scatter += scatter_b
    return mean_a + step * (n_b / n), scatter


def sparse_moments_of(
    rows: CsrRows, d: int, weight: Float64Array, n_threads: int
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the weighted mean and variance of each column of CSR rows, and their stored weight.

    Parameters
    ----------
    rows : CsrRows
    d : int
        Number of columns.
    weight : ndarray of shape (n,), float64
    n_threads : int

    Returns
    -------
    mean, variance : ndarray of shape (d,), float64
    stored : ndarray of shape (d,), float64
        Weight of the rows that store a value in the column.
    """
    total = weight.sum()
    origin, moments = np.zeros(d), np.empty((3, d))
    stored, sums, squares = moments
    for _ in range(2):
        sparse_moments(rows, weight, origin, moments, n_threads)
        empty = total - stored  # the weight of the zeros, if it is more than rounding
        empty[empty <= len(weight) * np.finfo(np.float64).eps * total] = 0.0
        delta = (sums - empty * origin) / total
        variance = (squares + empty * origin**2) / total - delta**2
        guess = origin + delta
        if not is_far(delta, origin, variance):
            break
        origin = guess
    return guess, np.maximum(variance, 0), stored

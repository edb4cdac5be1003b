"""Dense rows of the squared loss: moments and Gram matrix from one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.moments import guessed_mean
from algos.linear_learner.dense_rows import DenseRows
from algos.linear_learner.rows import extreme_exponents, scale_of
from algos.linear_learner.solvers.gram import Sums, sums_of
from algos.linear_learner.solvers.least_squares import fits

FEW = 1 << 16  # values of X, for which full float64 precision costs next to nothing
_NEAR = 0.5  # standard deviations by which a guessed mean may be off without loss of precision


def measured_rows(
    X: Any, target: Float64Array, weight: Float64Array, n_threads: int, *, center: bool = True
) -> tuple[DenseRows, Sums] | None:
    """Return rows as `make_rows` does, and their sums.

    Both are computed from products of columns centred by the means of a few rows. Returns None if
    these are unreliable, for example if X is not finite, or if the products are not needed.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        Small arrays are converted to float64.
    target : ndarray of shape (n,) or (n, n_outputs), float64
    weight : ndarray of shape (n,), float64
        Of sum 1.
    n_threads : int
    center : bool, default=True
    """
    n, d = X.shape
    if not fits(n, d, False):
        return None
    if n * d <= FEW:
        X = X.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        guess = guessed_mean(X).astype(X.dtype).astype(np.float64)
        rows = DenseRows(X, guess, np.ones(d), n_threads)
        sums = sums_of(rows, target, weight)
        extended = sums.extended
        step = extended[-1, :-1] / extended[-1, -1]
        variance = np.diagonal(extended)[:-1] / extended[-1, -1] - step**2
        rounding = 4 * np.finfo(X.dtype).eps * np.abs(guess)
        is_near = np.abs(step) <= np.maximum(_NEAR * np.sqrt(variance), rounding)
        mean, variance = guess + step, np.maximum(variance, 0)
        exponents = extreme_exponents(X, mean, variance)
    if not is_near.all() or isinstance(exponents, np.ndarray):
        return None
    scale = scale_of(mean, variance, center)
    shift, left = (mean, np.zeros(d)) if center else (np.zeros(d), mean)
    _in_units(sums, step, left, scale)
    rows = rows.in_units(shift, scale)
    rows.mean, rows.variance = mean, variance
    return rows, sums


def _in_units(sums: Sums, step: Float64Array, left: Float64Array, scale: Float64Array) -> None:
    """Convert sums of X minus a guessed mean to columns of mean `left`, divided by the scale.

    The true mean is the guess plus `step`.
    """
    extended, cross = sums.extended, sums.cross
    total = extended[-1, -1]
    extended[:-1, :-1] -= np.outer(step, extended[-1, :-1])
    extended[:-1, :-1] += np.outer(left, total * left)
    extended[:-1, :-1] /= scale * scale[:, np.newaxis]
    extended[-1, :-1] = extended[:-1, -1] = total * left / scale
    cross[:, :-1] = (cross[:, :-1] - cross[:, -1:] * (step - left)) / scale

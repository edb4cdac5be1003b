"""Number of rows, mean and scatter matrix: the state of exact incremental PCA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from algos._common.arrays import Float64Array, FloatArray
from algos._common.memory import require_memory
from algos._common.moments import column_mean_and_variance, guessed_mean, is_far, joined_scatter
from algos._common.scale import in_range, scaled
from algos._cython.pca_covariance import scatter_matrix


class Moments(NamedTuple):
    """The state of exact PCA; its size does not depend on the number of rows."""

    n: int
    mean: Float64Array  # (d,)
    scatter: Float64Array  # (d, d): sum of the outer products of the centred rows

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean."""
        return float(np.trace(self.scatter)) / self.n


def require_room(d: int) -> None:
    """Raise MemoryError if the scatter matrix of d columns does not fit into memory."""
    require_memory(
        3 * 8 * d**2,
        f"the covariance of {d} columns",
        'use PCA(svd_solver="randomized"), or "sketch" for a stream, whose memory grows with '
        "d and not its square",
    )


def gather(X: FloatArray, n_threads: int) -> Moments:
    """Return the moments of the rows of X, in one pass and without a copy.

    A guess of the mean is subtracted from the rows, and its error delta is corrected at the
    end: S - n delta delta'. This costs digits only if the guess is many standard deviations
    off, which is rare for a sample spread over all rows; then the pass is repeated.
    """
    n, d = X.shape
    require_room(d)
    guess = guessed_mean(X)
    products, sums = np.empty((d, d)), np.empty(d)
    for _ in range(2):
        shift = guess.astype(X.dtype)
        scatter_matrix(X, shift, products, sums, n_threads)
        delta = sums / n
        mean = shift + delta
        scatter = products - n * np.outer(delta, delta)
        if not is_far(delta, shift, np.diagonal(scatter) / n):
            break
        guess = mean
    return Moments(n, mean, scatter)


def at_any_scale(X: Any, measure: Callable[[Any], Moments]) -> Moments:
    """Return `measure(X)`, with X scaled if its squares leave the range of floats."""
    moments, exponent = in_range(X, measure, "PCA")
    if exponent == 0:
        return moments
    scatter = unscaled_squares(moments.scatter, exponent)
    return Moments(moments.n, scaled(moments.mean, -exponent), scatter)


def unscaled_squares(squares: Float64Array, exponent: int) -> Float64Array:
    """Return squares * 4**exponent, infinite on overflow."""
    with np.errstate(over="ignore"):
        restored: Float64Array = scaled(squares, -2 * exponent)
    return restored


def joined(a: Moments, b: Moments) -> Moments:
    """Return the moments of the rows of both together."""
    if a.n == 0 or b.n == 0:
        return b if a.n == 0 else a
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the trace
        mean, scatter = joined_scatter(a.n, a.mean, a.scatter, b.n, b.mean, b.scatter)
    return Moments(a.n + b.n, mean, scatter)


def with_row(a: Moments, row: FloatArray) -> Moments:
    """Return the moments after one more row."""
    n = a.n + 1
    step = row - a.mean
    with np.errstate(over="ignore", invalid="ignore"):  # as above
        scatter = np.multiply.outer((a.n / n) * step, step)
        scatter += a.scatter
    return Moments(n, a.mean + step / n, scatter)


def column_mean_and_squares(
    X: FloatArray, n_threads: int, guess: Float64Array | None = None
) -> tuple[Float64Array, Float64Array]:
    """Return the mean of each column, and the sum of the squared deviations from it."""
    mean, variance = column_mean_and_variance(X, None, n_threads, guess)
    return mean, len(X) * variance

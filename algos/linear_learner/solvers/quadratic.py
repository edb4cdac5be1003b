"""Solving with Hessians that may be singular, and secants that correct them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import blas, lapack

from algos._common.arrays import Float64Array

_MOST_DAMPING = 1e3


class Factor:
    """A Cholesky factor of a matrix, damped along its diagonal as little as it needs.

    Parameters
    ----------
    matrix : ndarray of shape (p, p)
        Symmetric, of no very negative eigenvalue.
    eps : float
        Rounding unit of the matrix.
    """

    def __init__(self, matrix: Float64Array, eps: float) -> None:
        diagonal = matrix.diagonal().copy()
        is_flat = ~(diagonal > 0)
        if is_flat.any():  # constant columns: their gradient is 0 as well
            diagonal[is_flat] = diagonal.max() if diagonal.max() > 0 else 1.0
        self._factor = _cholesky(matrix, diagonal, 16 * eps)

    def solve(self, vector: Float64Array) -> Float64Array:
        """Return the matrix' inverse times a vector."""
        result: Float64Array = lapack.dpotrs(self._factor, vector, lower=1)[0]
        return result


def _cholesky(matrix: Float64Array, diagonal: Float64Array, damping: float) -> Any:
    while damping < _MOST_DAMPING:
        damped = matrix.copy()
        damped.ravel()[:: len(matrix) + 1] += damping * diagonal
        factor, info = lapack.dpotrf(damped.T, lower=1, clean=0, overwrite_a=1)
        if info == 0:
            return factor
        damping *= 100
    return np.asfortranarray(np.diag(np.sqrt(diagonal)))


class Secants:
    """The last steps and changes of the gradient: L-BFGS (Nocedal and Wright, 7.4).

    Parameters
    ----------
    limit : int
        Number of steps to keep.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[tuple[Float64Array, Float64Array, float]] = []

    def clear(self) -> None:
        """Forget all steps."""
        self._kept = []

    def learn(self, step: Float64Array, change: Float64Array) -> None:
        """Keep a step and the gradient's change, unless it shows no curvature."""
        along = float(step @ change)
        if along > 1e-12 * np.sqrt(float(step @ step) * float(change @ change)):
            self._kept = [*self._kept[-self._limit + 1 :], (step, change, along)]

    def stiffened(self, diagonal: Float64Array) -> Secants:
        """Return the same steps for an objective to whose Hessian a diagonal was added."""
        other = Secants(self._limit)
        for step, change, _ in self._kept:
            other.learn(step, change + diagonal * step)
        return other

    def scale(self, diagonal: Float64Array) -> float | None:
        """Return the factor of a diagonal that fits the last step's inverse curvature.

        None without steps.
        """
        if not self._kept:
            return None
        _, change, along = self._kept[-1]
        return along / float(change @ (diagonal * change))

    def solve(
        self, vector: Float64Array, solve: Callable[[Float64Array], Float64Array]
    ) -> Float64Array:
        """Return the inverse Hessian times a vector; `solve` does it without the steps."""
        result = vector.copy()
        shares = []
        for step, change, along in reversed(self._kept):
            share = float(step @ result) / along
            blas.daxpy(change, result, a=-share)
            shares.append(share)
        result = solve(result)
        for (step, change, along), share in zip(self._kept, reversed(shares), strict=True):
            blas.daxpy(step, result, a=share - float(change @ result) / along)
        return result

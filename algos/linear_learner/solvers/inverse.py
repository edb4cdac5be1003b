"""Inverses of symmetric matrices: by Cholesky, or for any ridge by an eigendecomposition."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas


class Inverse(NamedTuple):
    """The inverse of a positive semidefinite matrix, from its Cholesky factor.

    Attributes
    ----------
    factor : ndarray of shape (d, d)
        Upper triangular factor of the matrix scaled to a unit diagonal.
    scale : ndarray of shape (d,)
        Factor of the rows and columns of the matrix in that scaling.
    condition : float
        Estimated condition number of the scaled matrix.
    """

    factor: Float64Array
    scale: Float64Array
    condition: float

    def __call__(self, right: Float64Array) -> Float64Array:
        """Return the inverse times each row of `right`."""
        with one_thread_blas():
            solved: Float64Array = lapack.dpotrs(self.factor, (right * self.scale).T, lower=0)[0].T
        return solved * self.scale


def invert(matrix: Float64Array) -> Inverse | None:
    """Return the inverse of a matrix, which is overwritten; None if it is singular."""
    diagonal = np.diagonal(matrix)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
    matrix *= scale * scale[:, np.newaxis]
    np.fill_diagonal(matrix, 1)
    with one_thread_blas():
        norm = np.abs(matrix).sum(axis=0).max(initial=0)
        factor, info = lapack.dpotrf(matrix.T, lower=0, overwrite_a=1, clean=0)
        if info != 0:
            return None
        reciprocal, _ = lapack.dpocon(factor, norm, uplo="U")
    return Inverse(factor, scale, 1 / reciprocal) if reciprocal > 0 else None


class Spectrum:
    """Inverses of gram + a·diag(direction) for any a > 0, from one eigendecomposition.

    Attributes
    ----------
    direction : ndarray of shape (d,)
        All positive, the largest being 1.
    """

    def __init__(self, gram: Float64Array, direction: Float64Array) -> None:
        self.direction = direction
        root = np.sqrt(direction)
        with one_thread_blas():
            values, vectors = linalg.eigh(
                gram / root / root[:, np.newaxis], driver="evd", check_finite=False
            )
        self.values = np.maximum(values, 0)
        self.vectors: Float64Array = vectors / root[:, np.newaxis]

    def inverse(self, a: float) -> SpectralInverse:
        values = self.values + a
        return SpectralInverse(self.vectors, values, float(values[-1] / values[0]))


class SpectralInverse(NamedTuple):
    """The inverse vectors diag(1 / values) vectors'."""

    vectors: Float64Array
    values: Float64Array
    condition: float

    def __call__(self, right: Float64Array) -> Float64Array:
        """Return the inverse times each row of `right`."""
        with one_thread_blas():
            found: Float64Array = (right @ self.vectors / self.values) @ self.vectors.T
        return found

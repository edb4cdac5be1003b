"""The probabilistic model: a Gaussian with isotropic noise beside the components."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.arrays import Float64Array, FloatArray
from algos._common.threads import one_thread_blas
from algos._cython.pca_project import project
from algos.pca.sparse_rows import is_sparse, projected_sparse, squared_norms


class Model:
    """Probabilistic PCA: Tipping and Bishop (1999), "Probabilistic principal component analysis".

    Parameters
    ----------
    components : ndarray of shape (k, d)
    variances : ndarray of shape (k,)
        Along the components.
    noise : float
        Variance along every other direction.
    """

    def __init__(self, components: FloatArray, variances: FloatArray, noise: float) -> None:
        self.dtype = components.dtype
        self.V: Float64Array = components.astype(np.float64)
        self.variances: Float64Array = variances.astype(np.float64)
        self.noise = noise

    def covariance(self) -> Float64Array:
        """Return the covariance matrix."""
        excess = np.maximum(self.variances - self.noise, 0)
        with one_thread_blas():
            matrix: Float64Array = (self.V.T * excess) @ self.V
        matrix[np.diag_indices_from(matrix)] += self.noise
        return matrix

    def precision(self) -> Float64Array:
        """Return the inverse of the covariance, with variances floored at rounding."""
        k, d = self.V.shape
        along, noise = self._invertible()
        # Without noise directions the floor must not enter: it would cause cancellation.
        excess = 1 / along - 1 / noise if k < d else 1 / along
        with one_thread_blas():
            matrix: Float64Array = (self.V.T * excess) @ self.V
        if k < d:
            matrix[np.diag_indices_from(matrix)] += 1 / noise
        return matrix

    def log_likelihood(self, X: Any, mean: FloatArray, n_threads: int) -> Float64Array:
        """Return the log-likelihood of dense or CSR rows: Bishop (2006), eq. 12.35."""
        along, noise = self._invertible()
        k, d = self.V.shape
        rows, mean = X.astype(np.float64), mean.astype(np.float64)
        z = projected(rows, mean, self.V, n_threads)
        distance: Float64Array = np.einsum("ij,ij->i", z / along, z)
        if k < d:
            distance += self._squares_beside(rows, mean, z, n_threads) / noise
        log_determinant = np.log(along).sum() + (d - k) * np.log(noise)
        return -0.5 * (distance + d * np.log(2 * np.pi) + log_determinant)

    def _squares_beside(
        self, rows: Any, mean: Float64Array, z: Float64Array, n_threads: int
    ) -> Float64Array:
        """Return the squared distance of each row from the plane of the components."""
        if is_sparse(rows):
            beside = squared_norms(rows, mean) - np.einsum("ij,ij->i", z, z)
            return np.maximum(beside, 0)
        rest = rows - combined(z, self.V, mean, n_threads)  # without cancellation of squares
        squares: Float64Array = np.einsum("ij,ij->i", rest, rest)
        return squares

    def _invertible(self) -> tuple[Float64Array, float]:
        """Return the variances along the components and elsewhere, floored at rounding."""
        largest = max(float(self.variances.max(initial=0)), self.noise)
        limits = np.finfo(self.dtype)
        # Deviations are rounded in the dtype of the data, squares in double precision.
        rounding = max(float(limits.eps) ** 2, float(np.finfo(np.float64).eps))
        noise = max(self.noise, rounding * largest, float(limits.tiny))
        return np.maximum(self.variances, noise), noise


def projected(X: Any, shift: FloatArray, vectors: FloatArray, n_threads: int) -> FloatArray:
    """Return (X - shift) vectors' in the dtype of the dense or CSR X."""
    if is_sparse(X):
        return projected_sparse(X, shift, vectors, n_threads)
    offset = np.zeros(len(vectors), X.dtype)
    return _multiplied(X, shift, vectors, offset, n_threads)


def combined(X: FloatArray, vectors: FloatArray, offset: FloatArray, n_threads: int) -> FloatArray:
    """Return X vectors + offset in the dtype of X."""
    shift = np.zeros(X.shape[1], X.dtype)
    return _multiplied(X, shift, vectors, offset, n_threads, by_columns=True)


def _multiplied(
    X: FloatArray,
    shift: FloatArray,
    vectors: FloatArray,
    offset: FloatArray,
    n_threads: int,
    *,
    by_columns: bool = False,
) -> FloatArray:
    dtype = X.dtype
    shift, offset = shift.astype(dtype, copy=False), offset.astype(dtype, copy=False)
    out = np.zeros((len(X), len(offset)), dtype)
    if vectors.size:
        vectors = np.ascontiguousarray(vectors, dtype=dtype)
        project(X, shift, vectors, offset, out, by_columns, n_threads)
    else:
        out += offset
    return out

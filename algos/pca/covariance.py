"""svd_solver="covariance_eigh": eigenvectors of the covariance matrix."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas
from algos.pca.moments import Moments
from algos.pca.rows import Rows
from algos.pca.spectrum import Spectrum, completed, count_for_ratio


def solve(moments: Moments, count: int | None) -> Spectrum:
    """Return the `count` leading eigenpairs of the covariance; all for None."""
    covariance = moments.scatter / (moments.n - 1)
    total = float(np.trace(covariance))
    values, vectors = _leading(covariance, len(covariance) if count is None else count)
    return Spectrum(values, vectors, total)


def solve_wide(rows: Rows, count: int | None, share: float | None = None) -> Spectrum:
    """Return the same from the inner products of the rows, a smaller matrix if n < d.

    X X' u = l u gives X' u, of length sqrt(l), as the eigenvector of X' X. If `count` is None,
    there are as many components as explain more than this share of the variance: those of
    all rows may take far longer than the eigenvalues of n inner products.
    """
    n, d = rows.X.shape
    gram, combine = rows.inner_products()
    gram -= gram.mean(axis=0)  # corrects the rounding of the mean
    gram -= gram.mean(axis=1)[:, None]
    values, U = _leading((gram + gram.T) / 2, n if count is None else count)
    variances, total = values / (n - 1), rows.total / (n - 1)
    if count is None:
        count = n if share is None else count_for_ratio(variances, total, share)
    # Smaller eigenvalues are only rounding; somewhat larger ones may be in part.
    noise = 4 * np.finfo(np.float64).eps + (100 * rows.eps) ** 2
    found = int(np.count_nonzero(values[:count] > noise * values.max(initial=0)))
    with one_thread_blas():
        components = np.empty((0, d))
        if found:
            components = _orthonormal(combine(U[:found]) / np.sqrt(values[:found, None]))
        components = completed(components, count)
    return Spectrum(variances, components, total)


def _orthonormal(rows: Float64Array) -> Float64Array:
    """Return nearly orthonormal rows, orthonormalised."""
    overlap = rows @ rows.T
    with suppress(linalg.LinAlgError):
        lower = linalg.cholesky(overlap, lower=True, check_finite=False)
        if np.diagonal(lower).min() > 0.5:
            solved: Float64Array = linalg.solve_triangular(
                lower, rows, lower=True, check_finite=False
            )
            return solved
    # If rounding dominates a row, a triangular factor would amplify it.
    columns, _ = linalg.qr(rows.T, mode="economic", check_finite=False)
    return columns.T


def _leading(matrix: Float64Array, count: int) -> tuple[Float64Array, Float64Array]:
    """Return the `count` largest eigenvalues, none negative, and their vectors as rows."""
    d = len(matrix)
    if count == 0:
        return np.empty(0), np.empty((0, d))
    few = count < d // 2
    with one_thread_blas():
        values, vectors = linalg.eigh(
            matrix,
            overwrite_a=True,
            check_finite=False,
            driver="evr" if few else "evd",
            subset_by_index=[d - count, d - 1] if few else None,
        )
    # Rounding may make the smallest eigenvalues of a semidefinite matrix negative.
    return np.maximum(values[::-1][:count], 0), vectors.T[::-1][:count]

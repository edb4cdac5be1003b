"""svd_solver="covariance_eigh": eigenvectors of the covariance matrix."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos._common.threads import one_thread_blas
from algos.pca.moments import Doubles, Moments
from algos.pca.rows import Rows
from algos.pca.spectrum import Spectrum, completed


def solve(moments: Moments, count: int | None) -> Spectrum:
    """Return the `count` leading eigenpairs of the covariance; all for None."""
    covariance = moments.scatter / (moments.n - 1)
    total = float(np.trace(covariance))
    values, vectors = _leading(covariance, len(covariance) if count is None else count)
    return Spectrum(values, vectors, total)


def solve_wide(rows: Rows, count: int | None) -> Spectrum:
    """Return the same from the matrix of the rows' inner products, the smaller if n < d.

    X X' u = l u gives X' u, of length sqrt(l), as the eigenvector of X' X.
    """
    n, d = rows.X.shape
    count = n if count is None else count
    gram, combine = rows.inner_products()
    gram -= gram.mean(axis=0)  # what the mean's rounding has left
    gram -= gram.mean(axis=1)[:, None]
    values, U = _leading((gram + gram.T) / 2, count)
    lengths = np.sqrt(values)
    # Shorter ones are rounding noise, not directions.
    found = int(np.count_nonzero(lengths > 100 * rows.eps * lengths.max(initial=0)))
    components = np.empty((0, d))
    if found:
        components = combine(U[:found]) / lengths[:found, None]
    with one_thread_blas():
        if found:
            # Each is freed of the rounding along those before it.
            lower = linalg.cholesky(components @ components.T, lower=True)
            components = linalg.solve_triangular(lower, components, lower=True)
        components = completed(components, count)
    return Spectrum(values / (n - 1), components, rows.total / (n - 1))


def _leading(matrix: Doubles, count: int) -> tuple[Doubles, Doubles]:
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
    # The least eigenvalues of a matrix without negative ones may be so by rounding.
    return np.maximum(values[::-1][:count], 0), vectors.T[::-1][:count]

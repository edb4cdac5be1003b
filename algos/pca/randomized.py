"""svd_solver="randomized": singular vectors from a few random combinations of the columns.

Halko, Martinsson and Tropp (2011), "Finding structure with randomness". A step works on
vectors of length d only and costs one pass over X: Q → Q Xc' Xc.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos._common.warn import warn
from algos.pca import krylov
from algos.pca.krylov import orthonormal
from algos.pca.rows import Rows
from algos.pca.sparse_rows import SparseRows
from algos.pca.spectrum import Spectrum, completed

SPARSE_BLOCK = 8  # vectors in a step, which on sparse rows costs no more than single ones


def solve(
    rows: Rows,
    count: int,
    key: Key,
    *,
    n_oversamples: int,
    iterated_power: int | str,
    power_iteration_normalizer: str,
) -> Spectrum:
    """Return the `count` leading directions.

    An int `iterated_power` is the number of power iterations, with the given normalisation.
    "auto" keeps the results of all steps (a block Krylov space: Musco and Musco 2015,
    "Randomized block Krylov methods") and stops when the eigenvalues have converged.
    """
    n, d = rows.X.shape
    size = min(count + n_oversamples, d)
    with one_thread_blas():
        if rows.total == 0:
            squares, components = np.zeros(0), np.empty((0, d))
        elif iterated_power == "auto":
            squares, components = _krylov(rows, count, size, key)
        else:
            start = stream(key).standard_normal((size, d))
            squares, components = _power(
                rows, start, int(iterated_power), power_iteration_normalizer
            )
        found = min(count, len(squares))
        components = completed(components[:found], count)
    variances = np.zeros(count)
    variances[:found] = np.maximum(squares[:found], 0) / (n - 1)
    return Spectrum(variances, components, rows.total / (n - 1))


def normalizer_for(n_iter: int) -> str:
    """Return the normaliser that "auto" chooses for a number of power iterations."""
    return "none" if n_iter <= 2 else "LU"


def _power(
    rows: Rows, Q: Float64Array, n_iter: int, normalizer: str
) -> tuple[Float64Array, Float64Array]:
    """Power iterations: algorithm 4.4 of Halko et al., each step on X'X at once."""
    if normalizer == "auto":
        normalizer = normalizer_for(n_iter)
    for _ in range(n_iter):
        Q = rows.scatter_times(Q)
        if normalizer == "QR":
            Q = orthonormal(Q)
        elif normalizer == "LU":
            Q = linalg.lu(Q.T, permute_l=True, check_finite=False)[0].T
        Q /= np.abs(Q).max() or 1.0  # keeps steps without normalisation in the range of floats
    return _project(rows, Q)


def _project(rows: Rows, Q: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return squared singular values and right vectors of Xc projected on the range of Xc Q.

    With Z = Xc Q', Z'Z = W L W', the range of Z has the orthonormal basis Z W L^(-1/2), and
    the projected Xc has the coordinates L^(-1/2) W' (Z' Xc) in it.
    """
    Q = rows.rounded(orthonormal(Q))
    Y = rows.scatter_times(Q)
    gram = Q @ Y.T
    values, W = linalg.eigh((gram + gram.T) / 2, check_finite=False)
    kept = values > values[-1] * len(values) * rows.eps
    B = (W[:, kept].T @ Y) / np.sqrt(values[kept])[:, None]
    _, singular, components = linalg.svd(B, full_matrices=False, check_finite=False)
    return singular**2, components


def _krylov(rows: Rows, count: int, size: int, key: Key) -> tuple[Float64Array, Float64Array]:
    """Return the leading eigenpairs from all passes together."""
    d = rows.X.shape[1]
    if isinstance(rows, SparseRows):
        found = krylov.leading(rows.fast(), d, count, min(size, SPARSE_BLOCK), key)
    else:
        found = krylov.leading(rows, d, count, size, key)
    if not found.is_known:
        warn(
            f"The leading {count} eigenvalues have not converged to "
            f"{krylov.accuracy(rows.dtype):.0e} after {found.n_multiplied} products with the "
            f"scatter matrix: they are nearly equal. Accept the result, change "
            f'`n_components`, or write svd_solver="covariance_eigh"',
            ConvergenceWarning,
        )
    return found.values, found.vectors
